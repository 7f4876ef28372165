package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"

	"github.com/lf-store/lf/node/api"
)

// relayCounter counts what the relay service does, and passes it on to libp2p's own metrics.
type relayCounter struct {
	relay.MetricsTracer
	mu    sync.Mutex
	known api.Relaying
}

func (c *relayCounter) facts() api.Relaying {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

func (c *relayCounter) count(change func(*api.Relaying)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.known)
}

// RelayStatus implements relay.MetricsTracer, as do the others.
func (c *relayCounter) RelayStatus(running bool) {
	c.count(func(f *api.Relaying) { *f = api.Relaying{Running: running, Bytes: f.Bytes} })
	c.MetricsTracer.RelayStatus(running)
}

// ConnectionOpened counts a circuit.
func (c *relayCounter) ConnectionOpened() {
	c.count(func(f *api.Relaying) { f.Circuits++ })
	c.MetricsTracer.ConnectionOpened()
}

// ConnectionClosed takes one off.
func (c *relayCounter) ConnectionClosed(d time.Duration) {
	c.count(func(f *api.Relaying) { f.Circuits = max(f.Circuits-1, 0) })
	c.MetricsTracer.ConnectionClosed(d)
}

// ReservationAllowed counts a peer that did not have a place yet.
func (c *relayCounter) ReservationAllowed(renewed bool) {
	if !renewed {
		c.count(func(f *api.Relaying) { f.Places++ })
	}
	c.MetricsTracer.ReservationAllowed(renewed)
}

// ReservationClosed takes some off.
func (c *relayCounter) ReservationClosed(n int) {
	c.count(func(f *api.Relaying) { f.Places = max(f.Places-n, 0) })
	c.MetricsTracer.ReservationClosed(n)
}

// BytesTransferred adds to what has passed.
func (c *relayCounter) BytesTransferred(n int) {
	c.count(func(f *api.Relaying) { f.Bytes += uint64(max(n, 0)) })
	c.MetricsTracer.BytesTransferred(n)
}
