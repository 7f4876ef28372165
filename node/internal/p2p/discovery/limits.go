package discovery

const (
	// enoughExchanged is how many peers a node has: more than GossipSub and the finder want, because those that it has may be full.
	// exchangeDials bounds such dials a minute: GossipSub names 16 peers at once, and may be told
	// so at any rate.
	enoughExchanged = 32
	exchangeDials   = 16
	// maxNamedAddrs bounds the addresses that are taken of one named peer.
	maxNamedAddrs = 8
)
