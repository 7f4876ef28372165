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
	have := keyed{row.int(0), row.int(1), version{row.int(2), row.int(3), row.int(4) != 0}}
	r, err := headerOf(w.frameIfThere(have.idx))
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
		right = e.version(owner, have.idx) == have && row.int(4)>>1 == 0
	}
	if !right {
		w.rewriteVersion(have, (*tx).deleteVersion)
	}
	return nil
}

// checkSelectorRow looks whether some version has a row of selectors.
func (w *scrubber) checkSelectorRow(row *rows) error {
	args := []driver.Value{row.int(0), row.int(1), row.int(2), row.int(3), row.blob(4)}
	want := selectorRow{point{row.int(0), uint64(row.int(2))}, row.blob(4)}
	size, composite := row.int(1), row.int(3)
	backed := false
	err := w.eachVersion(versionsUnder(composite), func(of keyed) error {
		r, err := headerOf(w.frameIfThere(of.idx))
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
	})
	if ignoreStop(err) != nil {
		return err
	}
	if !backed {
		w.rewrite(0, "a row of selectors", "DELETE FROM selectors WHERE key = ? AND size = ? AND ordinal = ? AND composite = ? AND others = ?", args...)
	}
	return nil
}
