package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/storedset"
)

// Keep says where the set is kept between starts, so that it takes little memory and need not be
// read again. The file is derived from the store (see package mapped).
type Keep struct {
	Path  string // "": nowhere
	Marks Marks
}

// Marks is what a store does for a derived file.
type Marks interface {
	// ScanAfter is Scan from after an index on.
	ScanAfter(ctx context.Context, index uint64, yield func([]intake.Item) error) error
	storedset.Source
	// Marked tells which checkpoints of the named file the store remembers, and how many records it
	// has.
	Marked(ctx context.Context, name string) (has func(mapped.Stamp) bool, attached uint64, err error)
	// Mark has the store remember that a checkpoint follows, and returns its stamp: Follow has told
	// of all records up to its index.
	Mark(ctx context.Context, name string, have [16]byte) (mapped.Stamp, error)
}

const (
	// A set of keepLeast records is scanned in 100 ms: that is not worth a file.
	keepLeast = 1 << 14
	// keepEvery is how many records may come between two checkpoints: a start scans them in 300 ms.
	keepEvery = 1 << 16
	// keepMemory is how much of the process's own memory the file may hold between two checkpoints.
	// The set looks every keepLook records. Old timestamps are anywhere in the set: each may change
	// a page.
	keepMemory, keepLook = 16 << 20, 1 << 10
	// lastKeep bounds the last checkpoint, before the end.
	lastKeep = 20 * time.Second
)

func (k Keep) config() mapped.Config {
	return mapped.Config{Path: k.Path, Layout: negentropy.Layout()}
}

func (o *localSet) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// guard runs what touches the tree. The error says that the set's file broke, now or before, or
// that the store could not tell an ID. The caller holds the lock.
func (o *localSet) guard(do func()) error {
	if o.broken.Load() {
		return errSetIncomplete
	}
	var missing error
	asking := func() { missing = storedset.Guard(do) }
	if o.file == nil {
		asking()
		return missing
	}
	err := o.file.Guard(asking)
	if err != nil {
		o.broken.Store(true)
		o.rouse()
	}
	return errors.Join(err, missing)
}

// openSet takes the set from its file. It returns the index of the last record in there, 0 where
// all must be scanned.
func (c *Reconciler) openSet(ctx context.Context) (from uint64) {
	k := c.c.Keep
	if k.Path == "" {
		return 0
	}
	c.own.refer(k.Marks)
	has, attached, err := k.Marks.Marked(ctx, storedset.Name)
	if err != nil {
		c.c.Node.Complain("could not read which set of records is kept", err)
		return 0
	}
	err = c.own.open(k, has)
	if err == nil {
		return c.own.kept.Index
	}
	if !errors.Is(err, mapped.ErrNone) {
		c.c.Log.Warn("the set of records is read again from the database", "error", err)
	}
	if attached >= keepLeast {
		c.own.begin(k, c.c.Log)
	}
	return 0
}

// refer has an empty set ask the store for IDs.
func (o *localSet) refer(m Marks) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids = storedset.NewIDs(m)
	o.tree = negentropy.NewTree(nil, o.ids)
}

func (o *localSet) open(k Keep, has func(mapped.Stamp) bool) error {
	file, stamp, rest, err := mapped.Open(k.config(), has)
	if err != nil {
		return err
	}
	tree, err := negentropy.Restore(file, rest, o.ids)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.file, o.tree, o.kept = file, tree, stamp
	o.due = stamp.Index + keepEvery
	o.size.Store(uint64(tree.Len())) // a length
	return nil
}

// begin begins an empty set in a file, or where that fails in memory.
func (o *localSet) begin(k Keep, log *slog.Logger) {
	file, err := mapped.Create(k.config())
	if err != nil {
		log.Warn("the set of records is in memory, not in a file", "error", err)
		file = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		_ = o.file.Close() // it is broken
	}
	o.file, o.tree, o.ready, o.due = file, negentropy.NewTree(file, o.ids), false, keepLeast
	o.looked = 0
	o.broken.Store(false)
	o.size.Store(0)
}

// keepSet makes checkpoints until the file breaks, or ctx ends: then it returns false.
func (c *Reconciler) keepSet(ctx context.Context) bool {
	for {
		if c.own.broken.Load() {
			c.c.Log.Error("the set of records is damaged, or could not follow the database; it is read again from there")
			return true
		}
		if c.own.count() >= c.own.nextDue() || c.own.heavy.Load() {
			c.checkpoint(ctx)
		}
		select {
		case <-ctx.Done():
			return false
		case <-c.own.wake:
		}
	}
}

func (o *localSet) nextDue() uint64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.due
}

// checkpoint brings the set to its file, if it has one or is large enough for one.
func (c *Reconciler) checkpoint(ctx context.Context) {
	k, o := c.c.Keep, c.own
	if k.Path == "" {
		return
	}
	stamp, err := k.Marks.Mark(ctx, storedset.Name, o.kept.Token)
	if err == nil {
		err = o.checkpoint(k, stamp)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heavy.Store(false)
	if err != nil {
		o.due = o.size.Load() + keepEvery
		if ctx.Err() == nil {
			c.c.Log.Warn("the set of records could not be written; the next start takes longer", "error", err)
		}
		return
	}
	o.kept, o.due = stamp, stamp.Index+keepEvery
}

func (o *localSet) checkpoint(k Keep, stamp mapped.Stamp) (err error) {
	if o.file == nil {
		if err := o.move(k); err != nil {
			return err
		}
	}
	o.mu.RLock() // add waits
	defer o.mu.RUnlock()
	broken := o.guard(func() { err = o.file.Checkpoint(stamp, o.tree.Keep()) })
	return errors.Join(broken, err)
}

// move moves a set that has become large into a file.
func (o *localSet) move(k Keep) error {
	file, err := mapped.Create(k.config())
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var tree *negentropy.Tree
	if broken := file.Guard(func() { tree = o.tree.In(file) }); broken != nil {
		return errors.Join(broken, file.Close())
	}
	o.file, o.tree = file, tree
	return nil
}

// closeSet makes a last checkpoint, for the next start. Nothing is attached without the set's
// knowledge meanwhile.
func (c *Reconciler) closeSet() {
	o := c.own
	ctx, cancel := context.WithTimeout(context.Background(), lastKeep)
	defer cancel()
	if n := o.count(); o.isReady() && n >= keepLeast && (o.file == nil || !o.file.Stamped() || n != o.kept.Index) {
		c.checkpoint(ctx)
	}
	if o.file != nil {
		if err := o.file.Close(); err != nil {
			c.c.Log.Debug("close the set of records", "error", err)
		}
	}
}
