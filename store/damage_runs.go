package store

import (
	"cmp"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// maxDamagedRuns is how many damaged chunks are known at a time. The scrub finds others.
const maxDamagedRuns = 64

// noteRun notes a damaged chunk of a run. The scrub makes it again in its next step.
func (d *damage) noteRun(e *runs.DamagedError) {
	if d == nil {
		return
	}
	d.noteIndex(0, indexOfIDs)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.runs) < maxDamagedRuns {
		d.runs = append(d.runs, *e)
	}
}

// takeRuns returns the chunks that were noted.
func (d *damage) takeRuns() []runs.DamagedError {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.runs
	d.runs = nil
	return list
}

// liveRuns returns the runs that are looked up in, by their numbers.
func (w *scrubber) liveRuns() ([]runs.Run, error) {
	list, err := runRows{w.conn}.Runs()
	list = slices.DeleteFunc(list, func(r runs.Run) bool { return r.State != runs.Live })
	slices.SortFunc(list, func(a, b runs.Run) int { return cmp.Compare(a.Number, b.Number) })
	return list, err
}

// runs looks at the next chunks of the runs, and reports whether there are no more. A chunk is as
// long to look at as some rows.
func (w *scrubber) runs(at *scrubbed, count int) (end bool, err error) {
	list, err := w.liveRuns()
	if err != nil {
		return false, err
	}
	place := max(at.at, 0)
	for _, r := range list {
		for r.End() > place {
			if count <= 0 {
				at.at = place
				return false, nil
			}
			count -= rowsOfChunk
			until, err := w.checkChunk(r, r.KeyAt(place))
			if err != nil {
				return false, err
			}
			if place = r.End(); until > 0 {
				place = r.PlaceOf(until)
			}
		}
	}
	at.at = place
	return true, w.ctx.Err()
}

// rowsOfChunk is how many rows of other tables one chunk counts as.
const rowsOfChunk = 4

// notedRuns looks at the chunks that a look-up found to be damaged.
func (w *scrubber) notedRuns() error {
	noted := w.damage.takeRuns()
	if len(noted) == 0 {
		return nil
	}
	list, err := w.liveRuns()
	for _, d := range noted {
		if err == nil && slices.Contains(list, d.Run) {
			_, err = w.checkChunk(d.Run, d.At)
		}
	}
	return err
}

// checkChunk looks at the chunk of a run that has a key, has it made again if it is damaged, and
// returns where the next one begins, 0 for nowhere.
func (w *scrubber) checkChunk(r runs.Run, key uint64) (until uint64, err error) {
	from, until, broken, err := r.Broken(runRows{w.conn}, key)
	if err == nil && broken {
		w.repair(0, indexOfIDs, func(t *tx) error { return t.rewriteChunk(r, from, until) })
	}
	return until, err
}

const indexOfIDs = "the index of IDs"

// rewriteChunk makes a run's entries of a range of keys again.
func (t *tx) rewriteChunk(r runs.Run, from, until uint64) error {
	var entries []runs.Entry
	if err := t.runSource(r.Kind, r.First, r.Last, func(e runs.Entry) error {
		if e.Key >= from && (until == 0 || e.Key < until) {
			entries = append(entries, e)
		}
		return nil
	}); err != nil {
		return err
	}
	_, err := t.runs.Repair(runRows{t.conn}, r, from, until, entries)
	return err
}

// reindex has a record found by its ID that is not. It was indexed while its row in dag was
// damaged, which is repaired by now.
func (w *scrubber) reindex(idx int64, id protocol.ID) {
	w.repair(idx, indexOfIDs, func(t *tx) error {
		list, err := runRows{t.conn}.Runs()
		for _, r := range list {
			if err != nil || r.State != runs.Live || uint32(idx) < r.First || uint32(idx) > r.Last {
				continue
			}
			var from, until uint64
			if from, until, _, err = r.Broken(runRows{t.conn}, hashKey(id[:])); err == nil {
				err = t.rewriteChunk(r, from, until)
			}
		}
		t.forgetRuns = true
		return err
	})
}
