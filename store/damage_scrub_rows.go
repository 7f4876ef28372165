package store

import (
	"bytes"
	"errors"

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
		rowsOf(kindWritten, idx, newEntry(r), func(want []byte) { backed = backed || bytes.Equal(row, want) })
	}
	if !backed {
		w.dropRow(kindWritten, idx, row)
	}
	return nil
}

// checkVersionRow returns a function that looks whether a row of a kind of versions is what its
// record says. What its claim ranks by follows from it.
func (w *scrubber) checkVersionRow(kind int) func(row []byte) error {
	return func(row []byte) error {
		have, ok := readKeyed(row)
		r, err := headerOf(w.frameIfThere(have.idx))
		if err != nil {
			return ignoreDamage(err)
		}
		backed := false
		if ok && r != nil {
			if err := w.versionRows(kind, have.idx, newEntry(r), func(want []byte) { backed = bytes.Equal(row, want) }); err != nil {
				return err
			}
		}
		if backed {
			return nil
		}
		row = bytes.Clone(row)
		w.repair(have.idx, kinds[kind].Name, func(t *tx) error {
			if err := t.dropRow(kind, row); err != nil {
				return err
			}
			return t.reclaim(have.composite, have.owner)
		})
		return nil
	}
}

// checkSelectorRow looks whether some version has a row of selectors.
func (w *scrubber) checkSelectorRow(row []byte) error {
	p, err := readSelectorRow(row)
	backed := false
	if err == nil {
		backed, err = w.isSelected(p, row)
	}
	if err == nil && !backed || errors.Is(err, errLayout) {
		w.dropRow(kindSelectors, 0, row)
		err = nil
	}
	return err
}

// isSelected reports whether a version under a composite key has a row of selectors. A damaged one
// may have it, and so may any under a key of one selector.
func (c *conn) isSelected(p proposal, row []byte) (backed bool, err error) {
	if p.alone {
		return true, nil
	}
	err = c.eachVersion(versionsUnder(p.composite), func(of keyed) error {
		r, err := headerOf(c.frameIfThere(of.idx))
		if asDamaged(err) != nil {
			backed = true
		} else if err != nil {
			return err
		} else if r != nil {
			rowsOf(kindSelectors, of.idx, newEntry(r), func(have []byte) { backed = backed || bytes.Equal(have, row) })
		}
		if backed {
			return errStop
		}
		return nil
	})
	return backed, ignoreStop(err)
}
