package store

import (
	"bytes"
	"database/sql/driver"
	"slices"

	"github.com/lf-store/lf/store/internal/runs"
)

// checkIDRow looks whether a row of the index of IDs leads to a record with such an ID.
func (w *scrubber) checkIDRow(row []byte) error {
	idx := int64(runs.Ascending.Number(row))
	have, sound, found, err := w.proposed(idx)
	if err != nil || found && !sound {
		return err // the scrub of the records mends it
	}
	if !found || !bytes.Equal(row, idRow(have.id[:], idx)) {
		w.dropRow(kindIDs, idx, row)
	}
	return nil
}

// checkWrittenRow looks whether a row of written leads to a record of such an owner and time.
func (w *scrubber) checkWrittenRow(row []byte) error {
	idx := int64(runs.Descending.Number(row))
	r, err := headerOf(w.frameIfThere(idx))
	if err != nil {
		return ignoreDamage(err)
	}
	backed := false
	if r != nil {
		rowsOf(kindWritten, idx, r, func(want []byte) { backed = backed || bytes.Equal(row, want) })
	}
	if !backed {
		w.dropRow(kindWritten, idx, row)
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
