package store

import (
	"errors"

	"github.com/lf-store/lf/store/internal/runs"
)

// checkRuns checks each entry of each run: that it leads to a record of such an ID, and that the
// run's filter does not hide it. That each record has an entry is checked with the records.
func (v *verifier) checkRuns() error {
	view, err := v.runsView()
	if err != nil {
		return err
	}
	list, _ := view.Runs(kindIDs)
	if complete, err := v.runsComplete(); err != nil {
		return err
	} else if !complete {
		v.problem("runs of the index of IDs are missing: start the node, which builds it again")
	}
	if n := v.count("SELECT count(*) FROM run_chunks WHERE place >> 48 NOT IN (SELECT number FROM runs)"); n > 0 {
		v.problem("%d chunks are of no run", n)
	}
	for _, r := range list {
		var d *runs.DamagedError
		entries := int64(0)
		if err := view.Check(runRows{v.conn}, r, func(e runs.Entry, filtered bool) error {
			entries++
			if err := v.checkRunEntry(r, e, filtered); err != nil {
				return err
			}
			return v.ctx.Err()
		}); errors.As(err, &d) {
			v.problem("%v", d)
		} else if err != nil {
			return err
		} else if want := int64(r.Last) - int64(r.First) + 1; entries != want {
			v.problem("run %d has %d entries, want %d", r.Number, entries, want)
		}
	}
	return nil
}

// runsComplete reports whether the tables have all runs, so that none had to be made in memory.
func (v *verifier) runsComplete() (bool, error) {
	_, err := runs.New(keyBits, runs.DefaultTuning).View(runRows{v.conn}, v.runSource, v.lastNumber)
	if errors.Is(err, runs.ErrIncomplete) {
		return false, nil
	}
	return err == nil, err
}

func (v *verifier) checkRunEntry(r runs.Run, e runs.Entry, filtered bool) error {
	if !filtered || e.Number < r.First || e.Number > r.Last {
		v.problem("run %d: its filter hides record %d, or it is of another run", r.Number, e.Number)
	}
	var id []byte
	if _, err := v.one(func(row *rows) { id = row.blob(0) }, "SELECT id FROM dag WHERE idx = ?", int64(e.Number)); err != nil {
		return err
	}
	if shift := 64 - keyBits[kindIDs]; hashKey(id)>>shift != e.Key>>shift {
		v.problem("run %d leads from %012x to record %d, which has another ID", r.Number, e.Key>>shift, e.Number)
	}
	return nil
}
