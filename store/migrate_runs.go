package store

import (
	"errors"

	"github.com/lf-store/lf/store/internal/runs"
)

// runsVersion is the first schema that has the index of IDs in runs.
const runsVersion = 12

// runsSpace is what the runs take, the log included. The table that they replace leaves more room
// for them, but not all of it at once.
func runsSpace(size int64) int64 { return size/32 + 32<<20 }

// indexIDs is a portion of the migration to runsVersion. It adds the IDs after a record to the runs
// of a store that does not use them yet, a run at a time.
func (t *tx) indexIDs(at int64) (int64, error) {
	s, rows := t.store, runRows{t.conn}
	v, err := s.runs.View(rows, t.runSource, func(int) (uint32, error) { return uint32(at), nil })
	if err != nil {
		return 0, err
	}
	s.runs.Begin(v)
	next := min(at+int64(s.options.tuning.runs.Recent), t.meta.attached)
	if err := t.runSource(kindIDs, uint32(at+1), uint32(next), func(e runs.Entry) error {
		s.runs.Add(kindIDs, e)
		return nil
	}); err != nil {
		return 0, err
	}
	return next, s.runs.Work(rows)
}

// flushRuns writes what the runs have in memory alone, so that the next start need not read it.
func (s *Store) flushRuns() {
	if err := s.transact(func(t *tx) error { return t.runs.Flush(runRows{t.conn}) }); err != nil {
		s.options.Logger.Warn("the next start takes longer", "error", err)
	}
}

// loadRuns begins to use the runs. Where the disk lost some, all are made again.
func (s *Store) loadRuns() error {
	s.writer.runs = s.runs
	_, err := s.writer.runsView()
	if !errors.Is(err, runs.ErrIncomplete) {
		return err
	}
	s.options.Logger.Error("this node's disk damaged the index of IDs; it is made again from the records")
	s.writer.runs = nil
	s.runs.Forget()
	if err := s.transact(func(t *tx) error {
		return t.script("DELETE FROM runs; DELETE FROM run_chunks; DELETE FROM run_filters")
	}); err != nil {
		return err
	}
	for at, more := int64(0), true; more; {
		if err := s.transact(func(t *tx) (err error) {
			at, err = t.indexIDs(at)
			more = at < t.meta.attached
			return err
		}); err != nil {
			return err
		}
	}
	s.damage.mend(0, indexOfIDs)
	s.writer.runs = s.runs
	return nil
}
