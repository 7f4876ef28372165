package p2p

import (
	"time"

	"github.com/libp2p/go-libp2p"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/pbnjay/memory"
)

// What a node may take of its machine, and how long it waits for others. The limits of single
// protocols stand with the protocols (package lfsync, libp2p's own); here are those of the node as
// a whole.
const (
	// connGrace protects a new connection from being trimmed: identify and the first exchange need
	// a few round trips.
	connGrace = 30 * time.Second
	// DialTimeout bounds one dial: three lost SYNs and a TLS handshake over a satellite.
	DialTimeout = 15 * time.Second
	// quicAhead is by how much more than libp2p has it (250 ms) QUIC is tried before TCP. A QUIC
	// handshake sends again after 300 and 900 ms. Where UDP is blocked, a node waits that long for
	// its first peers, until libp2p gives QUIC up.
	quicAhead = 750 * time.Millisecond
	// MaxDials bounds the seeds that are dialed at the same time, so that a long list does not fill
	// the table of a home router.
	MaxDials = 8

	// minBackoff and maxBackoff bound the pauses between dials of a peer that does not answer. The
	// first is about what a restart takes. The last is short enough for a person to wait until a
	// returned seed is noticed. A thousand nodes that lost one seed send it 8 packets a second.
	minBackoff = 500 * time.Millisecond
	maxBackoff = 2 * time.Minute
	// lasting is how long a connection must last for the back-off to begin again when it ends.
	// libp2p finds out sooner that the other side has no room or speaks something else.
	lasting = time.Minute
	// maxLost bounds the peers that are dialed again after they were lost. When two halves of a
	// network heal, each node finds several of the other half, which find the rest. keepLost is how
	// long that goes on, at about 60 failed dials for each.
	maxLost  = 16
	keepLost = time.Hour
	// lostTogether is within what time peers are lost that one event has cut off: TCP connections
	// over which nothing comes end one by one.
	lostTogether = 30 * time.Second
	// minReset is the pause between two resets of the back-off: an interface that flaps must not
	// turn it off.
	minReset = 10 * time.Second

	// wantedRelays is the number of relays at which a node that cannot be dialed keeps a
	// reservation: one may go away at any time. relaySearch is the pause between two looks at the
	// connected peers for candidates, while there are too few. relayRefused is how long a relay is
	// left alone that refused: it was full, or about to stop.
	wantedRelays = 2
	relaySearch  = 5 * time.Second
	relayRefused = 5 * time.Minute
	// dialBacks bounds in dialBacksTime how often this node dials others that ask whether they can
	// be reached. dialBacksPeer bounds it for one peer. It comes to at most one dial of a few
	// packets every two seconds.
	dialBacks, dialBacksPeer = 30, 3
	dialBacksTime            = time.Minute

	// pingEvery, pingTimeout and pingAtOnce keep the latencies of the peers list fresh; a peer that
	// does not answer is left to the transports' keep-alive. A ping is 200 bytes with all that
	// carries it: twice a minute it was most of an idle network's traffic.
	pingEvery   = 5 * time.Minute
	pingTimeout = 10 * time.Second
	pingAtOnce  = 16
	// pingAgain is the pause before a peer is pinged that was being pinged too often: a few round
	// trips nearby.
	pingAgain = 20 * time.Millisecond

	// punchRetryAfter is the pause before the first further try at a direct connection with a
	// relayed peer. maxPunchRetries bounds the tries. Each pause is four times as long as the last:
	// 30 to 60 s, then 2 to 4 and 8 to 16 minutes. One try is a handshake through the relay and a
	// comparison, about 10 KB. After that libp2p tries whenever the relay cuts the connection.
	punchRetryAfter = 30 * time.Second
	maxPunchRetries = 3

	// LookAround is the pause between two looks at the machine's addresses, which take about 50 µs
	// each. sleepLeast is how long the machine must have slept for its connections to be doubted.
	// Routers forget idle ones later (UDP: 30 s).
	LookAround, sleepLeast = 2 * time.Second, 15 * time.Second
	// probeTime is how soon a connection must answer that is doubted: two lost packets sent again
	// over a satellite, on a peer that is busy. With LookAround and a dial, who moves is back in 10
	// s. probesAtOnce bounds such pings, of 200 bytes and a stream each.
	probeTime    = 5 * time.Second
	probesAtOnce = 32

	// maxKnown bounds the peers that survive a restart: enough that some are still where they were
	// after weeks, at about 300 bytes each. maxKnownAddrs bounds what one of them can put there.
	maxKnown      = 256
	maxKnownAddrs = 8
	// saveKnownEvery is how much of the knowledge a crash may cost. A node that knows fewer than
	// fewKnown looks for new ones every lookForNewEvery.
	saveKnownEvery, lookForNewEvery = 5 * time.Minute, 2 * time.Second
	fewKnown                        = 16
)

// sizes are what a profile may use of the network.
type sizes struct {
	// low and high are the connection manager's: above high it trims down to low. GossipSub needs
	// about 12 peers, the DHT about 20 a bucket. The rest is room for peers that need this node
	// more than it needs them.
	low, high int
	// conns bounds all connections, inbound those that others opened. Both are above high: the
	// manager trims every few seconds, and a burst in between must not turn peers away at random.
	conns, inbound int
	// transient bounds connections in their handshake, which cost CPU and are paid by nobody.
	// Streams whose protocol is not yet settled are bounded by 16 times that. Several peers that
	// open streams and say nothing must not use them up in the 10 s that libp2p waits.
	transient int
	// memory is the share of the machine that libp2p's buffers may take, and the bounds of it in
	// bytes. libp2p counts 256 KiB for each stream, which is what a stream may come to hold, not
	// what it holds.
	memoryShare          uint64
	minMemory, maxMemory uint64
	// fds bounds libp2p's file descriptors; a TCP connection takes one, and the store and the API
	// need a few dozen.
	fds int
}

func (p Profile) sizes() sizes {
	switch p {
	case ProfileServer:
		return sizes{low: 400, high: 600, conns: 1200, inbound: 1000, transient: 256,
			memoryShare: 4, minMemory: 256 << 20, maxMemory: 4 << 30, fds: 2048}
	case ProfileLocal:
		// A test bed starts hundreds of nodes on one machine at the same moment: much room for
		// connections.
		return sizes{low: 200, high: 300, conns: 600, inbound: 500, transient: 256,
			memoryShare: 8, minMemory: 256 << 20, maxMemory: 1 << 30, fds: 1024}
	default:
		return sizes{low: 100, high: 150, conns: 400, inbound: 250, transient: 64,
			memoryShare: 8, minMemory: 256 << 20, maxMemory: 1 << 30, fds: 512}
	}
}

// What one relayed connection may carry. Both ways together that is a thousand records of 600
// bytes, and the comparison that finds them. The rest resumes on the next connection. libp2p's own
// limits (128 KiB, 2 minutes) suffice to arrange a direct connection. A node that has no other way
// would need a new connection for 150 records.
const (
	relayedData = 1 << 20 // bytes, each way
	relayedTime = 10 * time.Minute
)

// relayResources are what a node gives to others as a relay. The memory is two buffers of 2 KiB a
// circuit: 2 MiB for 64 places with 8 circuits each. The traffic is what the relayed peers write
// and read, a few hundred bytes a record and neighbor. Gossip goes past a relay that is of the
// network. Reservations by address and by autonomous system are bounded by libp2p: one address gets
// 8.
func (p Profile) relayResources() relay.Resources {
	r := relay.DefaultResources()
	r.Limit = &relay.RelayLimit{Data: relayedData, Duration: relayedTime}
	r.MaxReservations, r.MaxCircuits = 64, 8
	if p == ProfileServer {
		r.MaxReservations, r.MaxCircuits = 256, 16
	}
	return r
}

// libraryStreams is the room for libp2p's own streams with one peer, each way: gossip has one, the
// DHT, identify and ping a few.
const libraryStreams = 50

// peerStreams bounds one peer's streams, each way. libp2p's default of 256 lets four peers hold as
// many as a node of 1 GiB has memory for.
func peerStreams() int {
	n := libraryStreams
	for _, s := range streamServices() {
		n += s.Streams
	}
	return n
}

// resourceLimits are libp2p's default limits (memory and streams a connection and a protocol). The
// sums are the profile's, and a peer's streams are bounded more tightly. Connections from one IP
// address are bounded by libp2p to 8, those from loopback are not.
func (p Profile) resourceLimits() rcmgr.ConcreteLimitConfig {
	s := p.sizes()
	budget := min(max(memory.TotalMemory()/s.memoryShare, s.minMemory), s.maxMemory)
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	partial := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: rcmgr.LimitVal(s.conns), ConnsInbound: rcmgr.LimitVal(s.inbound), ConnsOutbound: rcmgr.LimitVal(s.conns),
			// 16 streams a connection: libp2p's own proportion.
			Streams: rcmgr.LimitVal(16 * s.conns), StreamsInbound: rcmgr.LimitVal(16 * s.inbound), StreamsOutbound: rcmgr.LimitVal(16 * s.conns),
			Memory: rcmgr.LimitVal64(budget), // at most 4 GiB
			FD:     rcmgr.LimitVal(s.fds),
		},
		Transient: rcmgr.ResourceLimits{
			Conns: rcmgr.LimitVal(2 * s.transient), ConnsInbound: rcmgr.LimitVal(s.transient), ConnsOutbound: rcmgr.LimitVal(s.transient),
			Streams: rcmgr.LimitVal(32 * s.transient), StreamsInbound: rcmgr.LimitVal(16 * s.transient), StreamsOutbound: rcmgr.LimitVal(16 * s.transient),
			Memory: rcmgr.LimitVal64(budget / 2), // at most 4 GiB
			FD:     rcmgr.LimitVal(2 * s.transient),
		},
		PeerDefault: rcmgr.ResourceLimits{
			Streams:        rcmgr.LimitVal(2 * peerStreams()),
			StreamsInbound: rcmgr.LimitVal(peerStreams()), StreamsOutbound: rcmgr.LimitVal(peerStreams()),
		},
	}
	return partial.Build(limits.Scale(int64(budget), s.fds)) // at most 4 GiB
}
