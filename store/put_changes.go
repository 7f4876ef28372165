package store

import "github.com/lf-store/lf/protocol"

// Changes are what one commit did that may change an answer. It belongs to the store: an observer
// keeps nothing of it but the records, which it does not change.
type Changes struct {
	// Versions are the data and releases that became attached, Commentaries the records of
	// commentary.
	Versions, Commentaries []*protocol.Record
	// Indexes are the local indexes of Versions.
	Indexes []uint64
	// Certified are owners that were given a certificate by one of the network's authorities, or
	// that claim one of another authority.
	Certified []protocol.Owner
	// Revoked says that a list of revocations came that says something new.
	Revoked bool
	// Repaired says that damage on the disk was found or repaired: any answer may be another one.
	Repaired bool
	// Undone says that a batch failed. Weights that were measured meanwhile may be too high.
	Undone bool
	// Index is the last local index, and Work the work of all attached records.
	Index, Work uint64
}

// isEmpty reports whether nothing was attached, and nothing undone.
func (c *Changes) isEmpty() bool { return c.Index == 0 && !c.Repaired && !c.Undone }

// Observe calls fn after each commit that may have changed an answer, in the order of the commits,
// and before the change returns to its caller. A query that begins after a call sees the change.
// The first call says how the store is, before Observe returns. fn must be quick and must not call
// the store. When cancel returns, fn is not called any more.
func (s *Store) Observe(fn func(*Changes)) (cancel func()) {
	s.following.Lock()
	defer s.following.Unlock()
	o := &observer{fn}
	s.observers[o] = true
	n := s.dag.Len()
	fn(&Changes{Index: uint64(n), Work: s.dag.WorkUpTo(n)})
	return func() {
		s.following.Lock()
		defer s.following.Unlock()
		delete(s.observers, o)
	}
}

type observer struct{ tell func(*Changes) }

// tellChanges tells the observers what has changed.
func (s *Store) tellChanges(c *Changes) {
	if c.isEmpty() {
		return
	}
	s.following.Lock()
	defer s.following.Unlock()
	if len(s.observers) == 0 {
		return
	}
	n := s.dag.Len()
	c.Index, c.Work = uint64(n), s.dag.WorkUpTo(n)
	for o := range s.observers {
		o.tell(c)
	}
}

// noteChange notes what a record that attaches may change.
func (t *tx) noteChange(e *entry, at place) {
	t.changes.Index = uint64(at.idx)
	switch {
	case answered(e.Type):
		t.changes.Versions, t.changes.Indexes = append(t.changes.Versions, e.Record), append(t.changes.Indexes, uint64(at.idx))
	case e.Type == protocol.TypeCommentary:
		t.changes.Commentaries = append(t.changes.Commentaries, e.Record)
	}
}
