package discovery

const (
	// enoughExchanged is the peer count above which a node ignores addresses offered by peer
	// exchange. It is more than GossipSub and the DHT want, because the connected peers may be
	// full. exchangeDials bounds such dials a minute: GossipSub names 16 peers at once, and may be
	// told so at any rate.
	enoughExchanged = 32
	exchangeDials   = 16
	// maxNamedAddrs bounds the addresses that are taken of one named peer.
	maxNamedAddrs = 8
)
