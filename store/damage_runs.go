package store

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lf-store/lf/store/internal/runs"
)

// maxDamagedRuns is how many damaged chunks are known at a time. The scrub finds others.
const maxDamagedRuns = 64

// noteRun notes a damaged chunk of a run. The scrub makes it again in its next step.
func (d *damage) noteRun(e *runs.DamagedError) {
	if d == nil {
		return
	}
	d.noteIndex(0, kinds[e.Run.Kind].Name)
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
	list, err := runRows{conn: w.conn}.Runs()
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
	at.at = max(at.at, 0)
	for _, r := range list {
		first := max(int(at.at-placeOf(r.Number, 0)), 0)
		if first == 0 {
			if err := w.checkHead(r); err != nil {
				return false, err
			}
		}
		for n := first; n < r.Chunks; n++ {
			if at.at = placeOf(r.Number, n); count <= 0 {
				return false, nil
			}
			count -= rowsOfChunk
			if err := w.checkChunk(r, n); err != nil {
				return false, err
			}
		}
	}
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
			err = w.checkChunk(d.Run, d.Chunk)
		}
	}
	return err
}

// checkChunk looks at a chunk of a run, and has it made again if it is damaged. Its rows are
// derived before the writer waits for them.
func (w *scrubber) checkChunk(r runs.Run, n int) error {
	rows := runRows{conn: w.conn}
	v, err := w.runsView()
	if err != nil {
		return err
	}
	if sound, err := w.conn.runs.IsSound(rows, r, n); err != nil || sound {
		return err
	}
	w.repair(0, kinds[r.Kind].Name, func(t *tx) error { return t.runs.Rewrite(runRows{conn: t.conn}, r, n) })
	return v.Prepare(rows, r, n)
}

// checkHead looks at the head of a run, and has it made again if it is damaged.
func (w *scrubber) checkHead(r runs.Run) error {
	sound, err := w.conn.runs.IsHeadSound(runRows{conn: w.conn}, r)
	if err == nil && !sound {
		w.repair(0, kinds[r.Kind].Name, func(t *tx) error { return t.runs.RewriteHead(runRows{conn: t.conn}, r) })
	}
	return err
}

// putRows has the rows of a kind that a record lacks added. They were derived while the record was
// damaged, which is repaired by now.
func (w *scrubber) putRows(kind int, idx int64, e *entry) {
	w.repair(idx, kinds[kind].Name, func(t *tx) error { return t.putRows(kind, idx, e) })
}

// dropRow has a row removed that no record has.
func (w *scrubber) dropRow(kind int, idx int64, row []byte) {
	row = bytes.Clone(row)
	w.repair(idx, kinds[kind].Name, func(t *tx) error { return t.dropRow(kind, row) })
}
