package reconcile

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// localSet is the set of all attached records, in memory, as it is compared with those of peers: 64
// bytes a record. It follows the store. It is safe for concurrent use.
type localSet struct {
	mu    sync.RWMutex
	tree  negentropy.Tree
	size  atomic.Uint64 // of the tree
	ready bool          // all that the store has is in it
}

// add takes in what is attached; what is there already makes no difference.
func (o *localSet) add(items []intake.Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, item := range items {
		o.tree.Insert(negentropy.Item{Timestamp: item.Timestamp, ID: item.ID})
	}
	o.size.Store(uint64(o.tree.Len())) // a length
}

// view shows the set while it does not change.
func (o *localSet) view(see func(negentropy.Set)) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	see(&o.tree)
}

func (o *localSet) complete() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = true
}

func (o *localSet) isReady() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.ready
}

// count is how many records are in it. It takes no lock.
func (o *localSet) count() uint64 { return o.size.Load() }

// above is how many records are at or above a bound.
func (o *localSet) above(b negentropy.Bound) uint64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return uint64(o.tree.Len() - o.tree.Rank(b)) // not negative
}

func (o *localSet) fingerprint() (f negentropy.Fingerprint, count uint64, ready bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := o.tree.Len()
	return o.tree.Fingerprint(0, n), uint64(n), o.ready // a length
}

// Follow keeps the set up with the store. What is attached from now on is told by the store; what
// was before is scanned.
func (c *Reconciler) Follow() {
	c.unfollow = c.c.Store.Follow(c.attached)
	c.c.Group.Go(func(ctx context.Context) error {
		began := time.Now()
		for !c.scan(ctx) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(rescanAfter):
			}
		}
		c.own.complete()
		c.c.Log.Debug("the set of records is rebuilt", "records", c.own.count(), "took", time.Since(began))
		c.plan(func(a *planner) { a.rebuilt() })
		return nil
	})
}

func (c *Reconciler) scan(ctx context.Context) bool {
	err := c.c.Store.Scan(ctx, func(items []intake.Item) error {
		c.own.add(items)
		return context.Cause(ctx)
	})
	if err != nil {
		c.c.Node.Complain("could not read what is attached", err)
	}
	return err == nil
}

// attached is called by the store with what has become attached. The set first: a session that sees
// a record missing in the set notes it as listed while it sees it. So it is told here that the
// record came.
func (c *Reconciler) attached(items []intake.Item) {
	c.own.add(items)
	c.c.Node.Attached(items)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.tell(c.now(), c.own.count())
	open := len(c.agreements.listed)
	all, violators := c.agreements.attached(items)
	if len(c.agreements.listed) < open {
		c.planner.came(c.now())
	}
	if all {
		c.planner.caughtUp()
	}
	c.reportOutOfRange(violators)
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
