package lfsync

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// ownSet is the set of all attached records, in memory, as it is compared with those of peers: 64
// bytes a record. It follows the store. It is safe for concurrent use.
type ownSet struct {
	mu    sync.RWMutex
	tree  negentropy.Tree
	size  atomic.Uint64 // of the tree
	ready bool          // all that the store has is in it
}

// add takes in what is attached; what is there already makes no difference.
func (o *ownSet) add(items []Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, item := range items {
		o.tree.Insert(negentropy.Item{Timestamp: item.Timestamp, ID: item.ID})
	}
	o.size.Store(uint64(o.tree.Len())) // a length
}

// view shows the set while it does not change.
func (o *ownSet) view(see func(negentropy.Set)) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	see(&o.tree)
}

func (o *ownSet) complete() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = true
}

func (o *ownSet) isReady() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.ready
}

// count is how many records are in it. It takes no lock.
func (o *ownSet) count() uint64 { return o.size.Load() }

// above is how many records are at or above a bound.
func (o *ownSet) above(b negentropy.Bound) uint64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return uint64(o.tree.Len() - o.tree.Rank(b)) // not negative
}

func (o *ownSet) fingerprint() (f negentropy.Fingerprint, count uint64, ready bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := o.tree.Len()
	return o.tree.Fingerprint(0, n), uint64(n), o.ready // a length
}

// follow keeps the set up with the store. What is attached from now on is told by the store; what
// was before is scanned.
func (c *comparer) follow() {
	c.unfollow = c.sync.store.Follow(c.attached)
	c.sync.spawn(func() {
		began := time.Now()
		for !c.scan() {
			select {
			case <-c.sync.ctx.Done():
				return
			case <-time.After(rescanAfter):
			}
		}
		c.own.complete()
		c.sync.log.Debug("the set of records is rebuilt", "records", c.own.count(), "took", time.Since(began))
		c.plan(func(a *agenda) { a.rebuilt() })
	})
}

func (c *comparer) scan() bool {
	err := c.sync.store.Scan(c.sync.ctx, func(items []Item) error {
		c.own.add(items)
		return context.Cause(c.sync.ctx)
	})
	if err != nil {
		c.sync.complain("could not read what is attached", err)
	}
	return err == nil
}

// attached is called by the store with what has become attached. The set first: who sees a record
// missing in the set and notes it as listed while it sees it, is told here that it came.
func (c *comparer) attached(items []Item) {
	c.own.add(items)
	c.sync.admission.promote(items)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.tell(c.now(), c.own.count())
	all, liars := c.ledger.attached(items)
	if all {
		c.agenda.caughtUp()
	}
	c.expose(liars)
	c.meter.note(c.now(), len(items))
	c.changed()
}

// idsOf are the IDs as the rest of the package has them.
func idsOf(ids []negentropy.ID) []protocol.ID {
	out := make([]protocol.ID, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// promised notes that a peer which listed a record must have its ancestors too: an attached record has
// them all.
func (c *comparer) promised(p peer.ID, id protocol.ID, missing []protocol.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ledger.denied(p, []protocol.ID{id}) > 0 {
		c.ledger.list(p, missing, nil)
	}
}
