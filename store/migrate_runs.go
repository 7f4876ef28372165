package store

import (
	"errors"

	"github.com/lf-store/lf/store/internal/runs"
)

// The schemas that brought indices in runs. The runs of the first were of another form: the second
// makes them again.
const (
	runsVersion         = 12 // IDs
	writtenRunsVersion  = 14 // IDs, and owners' records
	selectorRunsVersion = 15
	versionRunsVersion  = 16
	// shorterRowsVersion made the rows of IDs and of selectors shorter.
	shorterRowsVersion = 18
)

// runsSpace is what the runs take, the log included. The tables that they replace leave more room
// for them, but not all of it at once.
func runsSpace(size int64) int64 { return size/16 + 32<<20 }

// skipPortions is the portion of a migration that a later one does.
func (t *tx) skipPortions(int64) (int64, error) { return t.meta.attached, nil }

// kindsBetween returns the kinds from one up to another, without that.
func kindsBetween(from, to int) (of []int) {
	for kind := from; kind < to; kind++ {
		of = append(of, kind)
	}
	return of
}

// indexKinds returns the portion of a migration that makes the runs of the kinds from one up to
// another. Those before it are there already.
func indexKinds(from, to int) func(t *tx, at int64) (int64, error) {
	of := kindsBetween(from, to)
	return func(t *tx, at int64) (int64, error) {
		if s := t.store; at == 0 || s.runs.Kinds() != to {
			s.runs = runs.New(kinds[:to], s.options.tuning.runs)
		}
		return t.indexRows(of, at)
	}
}

// indexAgain is the portion of a migration that makes the runs of IDs and of selectors again. All
// others are there.
func (t *tx) indexAgain(at int64) (int64, error) {
	if s := t.store; at == 0 || s.runs.Kinds() != len(kinds) {
		s.runs = runs.New(kinds, s.options.tuning.runs)
	}
	return t.indexRows([]int{kindIDs, kindSelectors}, at)
}

// indexRows adds the rows of the records after one to runs that are not used yet, a run of each
// kind at a time.
func (t *tx) indexRows(of []int, at int64) (next int64, err error) {
	x, rows := t.store.runs, runRows{conn: t.conn, building: &building{of, at}}
	v, err := x.View(rows)
	if err != nil {
		return 0, err
	}
	x.Begin(v)
	next = min(at+int64(t.store.options.tuning.runs.Recent), t.meta.attached)
	if err := rows.Derive(of, uint32(at+1), uint32(next), func(kind int, number uint32, row []byte) error {
		x.Add(kind, number, row)
		return nil
	}); err != nil {
		return 0, err
	}
	return next, errors.Join(x.Flush(rows, uint32(next)), x.Work(rows, uint32(next)))
}

// flushRuns writes what the runs have in memory alone, so that the next start need not read it.
func (s *Store) flushRuns() {
	if err := s.transact(func(t *tx) error { return t.runs.Flush(runRows{conn: t.conn}, uint32(t.meta.attached)) }); err != nil {
		s.options.Logger.Warn("the next start takes longer", "error", err)
	}
}

// loadRuns begins to use the runs. Where the disk lost some, all are made again.
func (s *Store) loadRuns() error {
	s.runs = runs.New(kinds, s.options.tuning.runs)
	s.writer.runs = s.runs
	_, err := s.writer.runsView()
	if !errors.Is(err, runs.ErrIncomplete) {
		return err
	}
	s.options.Logger.Error("this node's disk damaged the indices of records; they are made again from the records")
	s.writer.runs, s.writer.view = nil, nil
	s.runs.Forget()
	if err := s.transact(func(t *tx) error {
		return t.script("DELETE FROM runs; DELETE FROM run_chunks; DELETE FROM run_heads")
	}); err != nil {
		return err
	}
	all := kindsBetween(0, len(kinds))
	for at, more := int64(0), true; more; {
		if err := s.transact(func(t *tx) (err error) {
			at, err = t.indexRows(all, at)
			more = at < t.meta.attached
			return err
		}); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		s.damage.mend(0, kind.Name)
	}
	s.writer.runs = s.runs
	return nil
}
