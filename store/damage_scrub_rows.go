package store

import (
	"bytes"
	"database/sql/driver"
	"slices"
)

// checkWrittenRow looks whether a row of written leads to a record of such an owner and time.
func (w *scrubber) checkWrittenRow(row *rows) error {
	key := []driver.Value{row.int(0), row.int(1), row.int(2)}
	r, err := headerOf(w.frameIfThere(row.int(2)))
	if err != nil {
		return ignoreDamage(err)
	}
	if r == nil || prefix(r.Owner[:]) != row.int(0) || int64(r.Timestamp) != row.int(1) {
		w.rewrite(row.int(2), "a row of written", "DELETE FROM written WHERE owner = ? AND timestamp = ? AND idx = ?", key...)
	}
	return nil
}

// checkVersionRow looks whether a row of versions is what its record says.
func (w *scrubber) checkVersionRow(row *rows) error {
	key := []driver.Value{row.int(0), row.int(1), row.int(2), row.int(3)}
	idx, released := row.int(3), row.int(4)
	r, err := headerOf(w.frameIfThere(idx))
	if err != nil {
		return ignoreDamage(err)
	}
	right := false
	if r != nil && answered(r.Type) {
		e := newEntry(r)
		owner, err := w.ownerNumber(e.Owner)
		if err != nil {
			return err
		}
		right = e.composite == row.int(0) && owner == row.int(1) && int64(e.Timestamp) == row.int(2) && e.released() == released
	}
	if !right {
		w.rewriteVersion(idx, row.int(0), row.int(1), "DELETE FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ?", key...)
	}
	return nil
}

// checkSelectorRow looks whether some version has a row of selectors.
func (w *scrubber) checkSelectorRow(row *rows) error {
	args := []driver.Value{row.int(0), row.int(1), row.int(2), row.int(3), row.blob(4)}
	want := selectorRow{point{row.int(0), uint64(row.int(2))}, row.blob(4)}
	size, composite := row.int(1), row.int(3)
	backed := false
	err := w.each(func(of *rows) error {
		r, err := headerOf(w.frameIfThere(of.int(0)))
		if asDamaged(err) != nil {
			backed = true // it may be
		} else if err != nil {
			return err
		} else if r != nil && answered(r.Type) {
			e := newEntry(r)
			backed = e.composite == composite && int64(len(e.rows)) == size && slices.ContainsFunc(e.rows, func(have selectorRow) bool {
				return have.point == want.point && bytes.Equal(have.others, want.others)
			})
		}
		if backed {
			return errStop
		}
		return w.ctx.Err()
	}, "SELECT idx FROM versions WHERE composite = ?", composite)
	if ignoreStop(err) != nil {
		return err
	}
	if !backed {
		w.rewrite(0, "a row of selectors", "DELETE FROM selectors WHERE key = ? AND size = ? AND ordinal = ? AND composite = ? AND others = ?", args...)
	}
	return nil
}
