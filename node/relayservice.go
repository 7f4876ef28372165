package node

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
)

// relayServiceFacts is what a node does for others as a relay.
type relayServiceFacts struct {
	Running      bool
	Reservations int    // peers that can be reached through this node
	Circuits     int    // connections that pass through it now
	Bytes        uint64 // that have passed
}

// relayCounter counts what the relay service does, and passes it on to libp2p's own metrics.
type relayCounter struct {
	relay.MetricsTracer
	mu    sync.Mutex
	known relayServiceFacts
}

func (c *relayCounter) facts() relayServiceFacts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

func (c *relayCounter) count(change func(*relayServiceFacts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.known)
}

// RelayStatus implements relay.MetricsTracer, as do the others.
func (c *relayCounter) RelayStatus(running bool) {
	c.count(func(f *relayServiceFacts) { *f = relayServiceFacts{Running: running, Bytes: f.Bytes} })
	c.MetricsTracer.RelayStatus(running)
}

// ConnectionOpened counts a circuit.
func (c *relayCounter) ConnectionOpened() {
	c.count(func(f *relayServiceFacts) { f.Circuits++ })
	c.MetricsTracer.ConnectionOpened()
}

// ConnectionClosed takes one off.
func (c *relayCounter) ConnectionClosed(d time.Duration) {
	c.count(func(f *relayServiceFacts) { f.Circuits = max(f.Circuits-1, 0) })
	c.MetricsTracer.ConnectionClosed(d)
}

// ReservationAllowed counts a peer that did not have a place yet.
func (c *relayCounter) ReservationAllowed(renewed bool) {
	if !renewed {
		c.count(func(f *relayServiceFacts) { f.Reservations++ })
	}
	c.MetricsTracer.ReservationAllowed(renewed)
}

// ReservationClosed takes some off.
func (c *relayCounter) ReservationClosed(n int) {
	c.count(func(f *relayServiceFacts) { f.Reservations = max(f.Reservations-n, 0) })
	c.MetricsTracer.ReservationClosed(n)
}

// BytesTransferred adds to what has passed.
func (c *relayCounter) BytesTransferred(n int) {
	c.count(func(f *relayServiceFacts) { f.Bytes += uint64(max(n, 0)) })
	c.MetricsTracer.BytesTransferred(n)
}
