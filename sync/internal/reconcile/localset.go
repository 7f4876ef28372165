package reconcile

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/storedset"
)

// localSet is the set of all attached records, as it is compared with those of peers. It follows
// the store. It is in memory, or in a file (localset_file.go). A record takes 13 bytes if records
// come in the order of their timestamps, and up to 20 if not. The store has the IDs. It is safe for
// concurrent use.
type localSet struct {
	mu    sync.RWMutex
	tree  *negentropy.Tree
	ids   *storedset.IDs // nil: the tree holds the IDs
	size  atomic.Uint64  // of the tree
	ready bool           // all that the store has is in it

	// What follows is nil and zero without a file. Kept is of the last checkpoint, and due is the
	// size at which the next one is. Heavy says that it is due sooner, and looked is the size when
	// that was looked at. Broken says that the file does not check out. Wake wakes the
	// goroutine that sees to both.
	file   *mapped.File
	kept   mapped.Stamp
	due    uint64
	looked uint64
	memory int64 // keepMemory, less in tests
	heavy  atomic.Bool
	broken atomic.Bool
	wake   chan struct{}
}

func newLocalSet() *localSet {
	return &localSet{tree: new(negentropy.Tree), due: keepLeast, memory: keepMemory, wake: make(chan struct{}, 1)}
}

// add takes in what is attached; what is there already makes no difference.
func (o *localSet) add(items []intake.Item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.guard(func() {
		for _, item := range items {
			o.insert(item)
		}
		o.size.Store(uint64(o.tree.Len())) // a length
	})
	if err != nil { // it may be half done: it is made again
		o.broken.Store(true)
		o.rouse()
	}
	if o.size.Load() >= o.due || o.isHeavy() {
		o.rouse()
	}
}

// isHeavy looks now and then whether the file holds so much memory that a checkpoint is due. The
// caller holds the lock.
func (o *localSet) isHeavy() bool {
	if n := o.size.Load(); o.file != nil && n >= o.looked+keepLook {
		o.looked = n
		if o.file.Holds(o.memory) {
			o.heavy.Store(true)
		}
	}
	return o.heavy.Load()
}

func (o *localSet) insert(item intake.Item) {
	i := negentropy.Item{Timestamp: item.Timestamp, ID: item.ID}
	if o.ids == nil {
		o.tree.Insert(i)
		return
	}
	number := uint32(item.Index) // the graph has fewer than 2^30
	o.ids.Note(number, item.ID)
	o.tree.InsertNumbered(i, number)
}

// errSetIncomplete says that the set is not all that the store has.
var errSetIncomplete = errors.New("the set of records is not complete yet")

// view shows the set while it does not change. The error says that it is not complete, and what see
// did is then of no use.
func (o *localSet) view(see func(negentropy.Set)) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.ready {
		return errSetIncomplete
	}
	return o.guard(func() { see(o.tree) })
}

func (o *localSet) complete() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = true
}

func (o *localSet) isReady() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.ready && !o.broken.Load()
}

// count is how many records are in it. It takes no lock.
func (o *localSet) count() uint64 { return o.size.Load() }

// above is how many records are at or above a bound.
func (o *localSet) above(b negentropy.Bound) (n uint64) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	// not negative
	if err := o.guard(func() { n = uint64(o.tree.Len() - o.tree.Rank(b)) }); err != nil {
		return 0
	}
	return n
}

func (o *localSet) fingerprint() (f negentropy.Fingerprint, count uint64, ready bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	err := o.guard(func() { f = o.tree.Fingerprint(0, o.tree.Len()) })
	return f, o.size.Load(), o.ready && err == nil
}

// Follow keeps the set up with the store. What is attached from now on is told by the store; what
// was before is scanned, apart from what is in the set's file.
func (c *Reconciler) Follow() {
	from := c.openSet(context.Background())
	c.unfollow = c.c.Store.Follow(c.attached)
	ctx, cancel := context.WithCancel(context.Background())
	c.leave, c.followed = cancel, make(chan struct{})
	began := c.c.Group.Go(func(group context.Context) error {
		defer close(c.followed)
		defer context.AfterFunc(group, cancel)()
		for c.rebuild(ctx, from) {
			if !c.keepSet(ctx) {
				break
			}
			from = 0
			c.own.begin(c.c.Keep, c.c.Log)
		}
		return nil
	})
	if !began {
		close(c.followed)
	}
}

// rebuild brings what the store has after an index into the set. It reports whether it was done.
func (c *Reconciler) rebuild(ctx context.Context, from uint64) bool {
	began := time.Now()
	for !c.scan(ctx, from) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(rescanAfter):
		}
	}
	c.own.complete()
	c.c.Log.Debug("the set of records is rebuilt", "records", c.own.count(), "took", time.Since(began))
	c.plan(func(a *planner) { a.rebuilt() })
	return true
}

func (c *Reconciler) scan(ctx context.Context, from uint64) bool {
	scan := c.c.Store.Scan
	if from > 0 {
		scan = func(ctx context.Context, yield func([]intake.Item) error) error {
			return c.c.Keep.Marks.ScanAfter(ctx, from, yield)
		}
	}
	err := scan(ctx, func(items []intake.Item) error {
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
