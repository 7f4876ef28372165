package store

import (
	"errors"

	"github.com/lf-store/lf/store/internal/runs"
)

// checkRuns checks each row of each run: that look-ups find it there, and what else is said of its
// kind. That each record has its rows is checked with the records.
func (v *verifier) checkRuns() error {
	view, err := v.runsView()
	if err != nil {
		return err
	}
	if complete, err := v.runsComplete(); err != nil {
		return err
	} else if !complete {
		v.problem("runs of an index are missing: start the node, which makes them again")
	}
	for _, table := range []string{"run_chunks", "run_heads"} {
		if n := v.count("SELECT count(*) FROM " + table + " WHERE place >> 32 NOT IN (SELECT number FROM runs)"); n > 0 {
			v.problem("%d rows of %s are of no run", n, table)
		}
	}
	for kind := range kinds {
		list, _ := view.Runs(kind)
		for _, r := range list {
			if err := v.checkRun(view, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) checkRun(view *runs.View, r runs.Run) error {
	var d *runs.DamagedError
	if sound, err := v.conn.runs.IsHeadSound(runRows{conn: v.conn}, r); err != nil {
		return err
	} else if !sound {
		v.problem("the head of run %d of %s is damaged", r.Number, kinds[r.Kind].Name)
	}
	tail := kinds[r.Kind].Tail
	err := view.Check(runRows{conn: v.conn}, r, func(row []byte, found bool) error {
		switch number := tail.Number(row); {
		case !found:
			v.problem("run %d of %s hides the row %x", r.Number, kinds[r.Kind].Name, row)
		case tail != runs.Bytes && (number < r.First || number > r.Last):
			v.problem("run %d of %s has a row of record %d, which is in another run", r.Number, kinds[r.Kind].Name, number)
		}
		if r.Kind == kindIDs {
			if err := v.checkID(row); err != nil {
				return err
			}
		}
		return v.ctx.Err()
	})
	if errors.As(err, &d) {
		v.problem("%v", d)
		return nil
	}
	return err
}

// runsComplete reports whether the tables have all runs, so that none had to be made in memory.
func (v *verifier) runsComplete() (bool, error) {
	_, err := runs.New(kinds, runs.DefaultTuning).View(runRows{conn: v.conn})
	if errors.Is(err, runs.ErrIncomplete) {
		return false, nil
	}
	return err == nil, err
}

// checkID checks that a row leads to a record of such an ID.
func (v *verifier) checkID(row []byte) error {
	idx := int64(runs.Ascending.Number(row))
	have, err := v.identity(idx)
	if ignoreMissing(err) != nil {
		return err
	}
	if string(idRow(have.id[:], idx)) != string(row) {
		v.problem("the index of IDs leads from %x to record %d, which has another ID", row[:idKeySize], idx)
	}
	return nil
}

// rowsOfKind counts the rows of a kind.
func (v *verifier) rowsOfKind(kind int) (n int64, err error) {
	err = v.eachRow(kind, runs.Range{}, func([]byte) error {
		n++
		return v.ctx.Err()
	})
	return n, err
}
