package simulation

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/marcopolo/simnet"
)

// datagramHead is what IP and UDP add to each datagram.
const datagramHead = 20 + 8

// endpoint is a node's network card: a simulated one whose datagrams are counted and, where the
// wire says so, lost.
type endpoint struct {
	*simnet.SimConn
	wire  *wire
	index int

	mu   sync.Mutex
	luck *rand.Rand
}

// WriteTo implements net.PacketConn.
func (e *endpoint) WriteTo(p []byte, to net.Addr) (int, error) {
	e.wire.datagrams.Add(1)
	e.wire.bytes.Add(int64(len(p) + datagramHead))
	if e.loses(indexOf(to)) {
		return len(p), nil
	}
	return e.SimConn.WriteTo(p, to)
}

func (e *endpoint) loses(to int) bool {
	c := e.wire.conditions.Load()
	if c.severed != nil && c.severed(e.index, to) {
		return true
	}
	if c.loss == 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.luck.Float64() < c.loss
}

// wire is what all nodes' datagrams go through.
type wire struct {
	datagrams, bytes atomic.Int64 // sent, lost ones included
	conditions       atomic.Pointer[conditions]
}

// conditions are how the wire is. They never change; others take their place.
type conditions struct {
	loss    float64                      // of each datagram
	severed func(from, to int) bool      // nil: nobody is
	latency func(a, b int) time.Duration // one way
}

// addressOf is where a node is.
func addressOf(index int) *net.UDPAddr {
	return &net.UDPAddr{IP: simnet.IntToPublicIPv4(index), Port: 8000}
}

// indexOf is which node is at an address.
func indexOf(a net.Addr) int {
	u, ok := a.(*net.UDPAddr)
	ip := u.IP.To4()
	if !ok || ip == nil {
		return -1
	}
	return int(ip[1])<<16 + int(ip[2])<<8 + int(ip[3]) - 1
}

// traffic counts the payload of streams, as libp2p reports it: what is sent by protocol.
type traffic struct {
	received atomic.Int64

	mu   sync.Mutex
	sent map[libprotocol.ID]int64
}

var _ metrics.Reporter = (*traffic)(nil)

func newTraffic() *traffic {
	return &traffic{sent: make(map[libprotocol.ID]int64)}
}

// LogSentMessageStream implements metrics.Reporter.
func (t *traffic) LogSentMessageStream(n int64, p libprotocol.ID, _ peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent[p] += n
}

// LogRecvMessageStream counts what is received, whatever the protocol.
func (t *traffic) LogRecvMessageStream(n int64, _ libprotocol.ID, _ peer.ID) { t.received.Add(n) }

// sentBy returns the bytes sent so far, by the last word of a protocol's name that is no version.
func (t *traffic) sentBy() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	by := make(map[string]int64)
	for p, n := range t.sent {
		by[shortName(p)] += n
	}
	return by
}

func shortName(p libprotocol.ID) string {
	words := strings.Split(string(p), "/")
	if len(words) < 3 {
		return "negotiation"
	}
	return words[len(words)-2]
}

// The rest of metrics.Reporter.
func (t *traffic) LogSentMessage(int64)                                     {}
func (t *traffic) LogRecvMessage(int64)                                     {}
func (t *traffic) GetBandwidthForPeer(peer.ID) (s metrics.Stats)            { return s }
func (t *traffic) GetBandwidthForProtocol(libprotocol.ID) (s metrics.Stats) { return s }
func (t *traffic) GetBandwidthTotals() (s metrics.Stats)                    { return s }
func (t *traffic) GetBandwidthByPeer() map[peer.ID]metrics.Stats            { return nil }
func (t *traffic) GetBandwidthByProtocol() map[libprotocol.ID]metrics.Stats { return nil }
func (t *traffic) Reset()                                                   {}
func (t *traffic) TrimIdle(time.Time)                                       {}
