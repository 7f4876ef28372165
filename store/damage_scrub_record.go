package store

import (
	"errors"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// checkRecord looks at a record and its rows.
func (w *scrubber) checkRecord(idx int64) error {
	w.wrongWords = nil
	r, err := headerOf(w.frame(idx))
	for _, wrong := range w.wrongWords {
		w.rewrite(idx, wordOfDictionary, "UPDATE dictionary SET word = ? WHERE number = ?", wrong.word[:], int64(wrong.number))
	}
	if asDamaged(err) != nil {
		return nil //nolint:nilerr // it was noted; its rows cannot be judged
	}
	if err != nil {
		return err
	}
	if err := w.checkDAGRow(idx, r); err != nil {
		return err
	}
	e := newEntry(r)
	for kind := range kindVersions { // the others wait for the owner's number
		if all, err := w.hasRows(kind, idx, e); err != nil {
			return err
		} else if !all {
			w.putRows(kind, idx, e)
		}
	}
	if w.damage.has(r.ID()) {
		w.repairs = append(w.repairs, func(t *tx) error {
			if _, err := t.frame(idx); err != nil {
				return ignoreDamage(err)
			}
			return t.recovered(idx)
		})
	}
	return w.checkRows(idx, e)
}

// checkDAGRow compares a record's place in the graph with its links. All records before it were
// looked at.
func (w *scrubber) checkDAGRow(idx int64, r *protocol.Record) error {
	b, err := w.graphBlock(idx)
	if err != nil {
		return err
	}
	if b == nil {
		w.damage.problem("a record is missing in the graph")
		return nil
	}
	have := b.Node(idx)
	identify := func(t *tx) error { return t.identify(idx, r) }
	switch id := r.ID(); {
	case have.ID != id:
		w.repair(idx, "the ID of a record in the graph", identify)
	case have.Timestamp != int64(r.Timestamp):
		w.repair(idx, "a timestamp in the graph", identify)
	case have.Sum != checksum(idx, id, have.Timestamp):
		w.repair(idx, "the checksum of an ID in the graph", identify)
	}
	want, err := w.nodeOf(idx, r)
	if err != nil || want == nil || sameNode(idx, have.Place, want) {
		return err
	}
	w.repair(idx, "a row of the graph", func(t *tx) error {
		if err := t.setPlace(idx, want); err != nil {
			return err
		}
		return t.reloadGraph()
	})
	return nil
}

// nodeOf works out a record's column node from its links; nil where one of these is not found.
func (c *conn) nodeOf(idx int64, r *protocol.Record) ([]byte, error) {
	parents, err := c.parentIndices(idx, r)
	if errors.Is(err, errLink) {
		c.damage.problem(errLink.Error())
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	node := dag.Record{Work: workOf(r), Parents: parents}
	where, err := c.dag.Place(parents)
	if err != nil {
		c.damage.problem("the graph before a record is wrong")
		return nil, nil //nolint:nilerr // it is reported
	}
	node.Placement = where
	return appendNode(nil, idx, node), nil
}

// checkRows looks for the rows by which queries find a record.
func (w *scrubber) checkRows(idx int64, e *entry) error {
	if len(e.rows) == 0 {
		return nil
	}
	if err := w.checkOwnerRow(idx, e); err != nil {
		return err
	}
	for kind := kindVersions; kind <= kindReleases; kind++ {
		if all, err := w.hasRows(kind, idx, e); err != nil {
			return err
		} else if !all {
			w.putRows(kind, idx, e)
		}
	}
	return nil
}

// checkOwnerRow looks whether an owner has its number. Where it is lost, or another one's, the row
// of the version knows it.
func (w *scrubber) checkOwnerRow(idx int64, e *entry) error {
	number, err := w.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	have := e.version(number, idx)
	for range 2 { // it may say wrongly whether it is a release
		exact, err := w.hasVersion(have)
		if err != nil || exact {
			return err
		}
		have.released = !have.released
	}
	filed := int64(0)
	err = w.eachVersion(versionsUnder(e.composite), func(v keyed) error {
		if v.timestamp != int64(e.Timestamp) || v.idx != idx {
			return w.ctx.Err()
		}
		filed = v.owner
		return errStop
	})
	if ignoreStop(err) != nil || filed == 0 {
		return ignoreStop(err)
	}
	shared, err := w.number("SELECT count(*) FROM owners WHERE number = ?", number)
	if err != nil || number > 0 && shared == 1 {
		return err // it is the version's row that is wrong
	}
	w.repair(idx, "a row of owners", func(t *tx) error {
		t.store.owners.Purge()
		if _, err := t.exec("DELETE FROM owners WHERE owner = ? OR number = ?", e.Owner[:], filed); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO owners VALUES (?, ?)", e.Owner[:], filed)
		return err
	})
	return nil
}
