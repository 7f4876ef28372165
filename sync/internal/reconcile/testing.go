package reconcile

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// What follows is for tests of package lfsync, which play peers with a whole node.

// Hasten shortens the times of the planner.
func (c *Reconciler) Hasten() {
	c.plan(func(a *planner) {
		a.limits.intervalMin, a.limits.intervalMax = 100*time.Millisecond, 200*time.Millisecond
		a.limits.soon, a.limits.retryMin, a.limits.connectWait = 20*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond
		a.interval, a.randomAt = a.limits.intervalMin, a.now
	})
}

// Expect has the agreements count a peer, with which no session begins.
func (c *Reconciler) Expect(p peer.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.peerUp(p)
}

// List notes that an expected peer listed records.
func (c *Reconciler) List(p peer.ID, ids ...protocol.ID) { c.list(p, ids, nil) }

// Withheld counts the records that a peer listed and cannot send.
func (c *Reconciler) Withheld(p peer.ID) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.agreements.peers[p]; known != nil {
		return len(known.withheld)
	}
	return 0
}

// PausedFor is how long a connected peer is not compared with.
func (c *Reconciler) PausedFor(p peer.ID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.planner.byPeer[p]; known != nil {
		return known.pausedTo - c.now()
	}
	return 0
}

// Demand has every peer compared with now.
func (c *Reconciler) Demand() {
	c.plan(func(a *planner) {
		a.tick(c.now())
		a.demand()
	})
}

// View shows the local set while it does not change.
func (c *Reconciler) View(see func(negentropy.Set)) error { return c.own.view(see) }

// IsReady reports whether the local set is complete.
func (c *Reconciler) IsReady() bool { return c.own.isReady() }
