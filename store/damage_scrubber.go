package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// scrubber is one step of the scrub.
type scrubber struct {
	*conn
	store   *Store
	ctx     context.Context
	repairs []func(*tx) error
}

// repair notes what is wrong, and how the writer makes it right.
func (w *scrubber) repair(idx int64, what string, by func(*tx) error) {
	w.repairs = append(w.repairs, func(t *tx) error {
		if err := by(t); err != nil {
			return err
		}
		t.changes.Repaired = true
		t.damage.mend(idx, what)
		return nil
	})
}

// rewrite is a repair by one statement.
func (w *scrubber) rewrite(idx int64, what, sql string, args ...driver.Value) {
	w.repair(idx, what, func(t *tx) error {
		_, err := t.exec(sql, args...)
		return err
	})
}

func (w *scrubber) look(from scrubbed, count int) (to scrubbed, err error) {
	end := false
	switch to = from; from.phase {
	case scrubIDs:
		end, err = w.runs(&to, count)
	case scrubVersions:
		end, err = w.rowsOfKind(&to, count, kindVersions, w.checkVersionRow(kindVersions))
	case scrubReleases:
		end, err = w.rowsOfKind(&to, count, kindReleases, w.checkVersionRow(kindReleases))
	case scrubSelectors:
		end, err = w.rowsOfKind(&to, count, kindSelectors, w.checkSelectorRow)
	case scrubWritten:
		end, err = w.rowsOfKind(&to, count, kindWritten, w.checkWrittenRow)
	case scrubIDRows:
		end, err = w.rowsOfKind(&to, count, kindIDs, w.checkIDRow)
	default:
		end, err = w.records(&to, count)
	}
	if err == nil && end {
		to = scrubbed{phase: (from.phase + 1) % scrubPhases}
		if to.phase != scrubRecords {
			to.at = math.MinInt64
		}
	}
	return to, err
}

// records looks at the next attached records, and reports whether there are no more. Behind a
// repair it goes on in the next step.
func (w *scrubber) records(at *scrubbed, count int) (end bool, err error) {
	attached, err := w.number("SELECT attached FROM meta")
	if err != nil {
		return false, err
	}
	for range count {
		if at.at >= attached {
			return true, nil
		}
		if len(w.repairs) > 0 {
			return false, nil
		}
		at.at++
		if err := w.checkRecord(at.at); err != nil {
			return false, err
		}
	}
	return false, w.ctx.Err()
}

// rowsOfKind looks at the next rows of a kind that are in runs, and reports whether there are no
// more.
func (w *scrubber) rowsOfKind(at *scrubbed, count, kind int, check func(row []byte) error) (end bool, err error) {
	bounds := runs.Range{From: prefixBytes(at.at)}
	if at.after != nil {
		bounds.From = append(slices.Clip(at.after), 0)
	}
	err = w.eachRow(kind, bounds, func(row []byte) error {
		if count--; count < 0 {
			return errStop
		}
		at.after = bytes.Clone(row)
		at.at = prefix(append(at.after, make([]byte, prefixSize)...))
		if err := check(row); err != nil {
			return err
		}
		return w.ctx.Err()
	})
	return count >= 0, ignoreStop(err)
}

// frameIfThere is frame for an index that may be made up; nil then.
func (c *conn) frameIfThere(idx int64) (*protocol.Record, error) {
	b, err := c.graphBlock(idx)
	if err != nil || b == nil {
		return nil, err
	}
	return c.frame(idx)
}

// ignoreDamage drops an error that was noted where it arose.
func ignoreDamage(err error) error {
	if asDamaged(err) != nil {
		return nil //nolint:nilerr // as the name says
	}
	return err
}
