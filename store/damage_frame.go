package store

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/packed"
)

// DamagedError says that the disk has changed a record's bytes since they were stored.
type DamagedError struct {
	ID protocol.ID
	// Index is that of an attached record, 0 for one that is not.
	Index uint64
	// Record is the record without its value where only the value is damaged; nil: the header is.
	Record *protocol.Record
	// Unavailable says that all peers were asked for the record, and none has it.
	Unavailable bool
}

func (e *DamagedError) Error() string {
	part := "header"
	if e.Record != nil {
		part = "value"
	}
	return fmt.Sprintf("this node's disk damaged the %s of record %s", part, e.ID)
}

// frame returns an attached record whose bytes are those that its ID stands for; any other bytes
// are a [*DamagedError]. It is the only way by which an attached record's bytes leave the database,
// and repair the only one by which they change.
func (c *conn) frame(idx int64) (*protocol.Record, error) {
	s, found, err := c.stored(idx)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errLayout
	}
	return c.verified(idx, s)
}

// stored is what the database has of a record. The header of an attached one may be packed.
type stored struct{ id, header, value []byte }

// read reads the columns id, header and value from a row.
func (s *stored) read(r *rows, first int) {
	s.id, s.header, s.value = r.blob(first), r.blob(first+1), r.blob(first+2)
}

// verified is frame for what was read already. Damage is noted, and repaired in the background.
func (c *conn) verified(idx int64, s stored) (*protocol.Record, error) {
	return c.verifiedIn(idx, s, nil)
}

// verifiedIn is verified for a record that another one refers to; nil: none does.
func (c *conn) verifiedIn(idx int64, s stored, in *settling) (*protocol.Record, error) {
	if packed.IsPacked(s.header) {
		return c.unpacked(idx, s, in)
	}
	r, err := verify(s)
	damaged := asDamaged(err)
	if damaged == nil {
		return r, err
	}
	damaged.Index = uint64(idx)
	if damaged.Record == nil {
		// Two of the three places that know the ID outvote the third.
		id := protocol.ID(sha256.Sum256(s.header))
		r, err := protocol.DecodeRecord(s.header, nil)
		if c.isIndexed(id, idx) || err == nil && c.isVouched(idx, id, r.Timestamp) {
			c.damage.noteIndex(idx, "the ID of a record in the graph")
			s.id = id[:]
			return c.verifiedIn(idx, s, in)
		}
	}
	c.damage.note(damaged, c.repairs)
	return nil, damaged
}

// isIndexed reports whether the index of IDs leads from an ID to a record.
func (c *conn) isIndexed(id protocol.ID, idx int64) bool {
	found := false
	err := c.recordsWith(id[:], func(candidate int64) (bool, error) {
		found = candidate == idx
		return !found, nil
	})
	return err == nil && found
}

// verify decodes a stored record and compares it with its ID. Where the two do not go together,
// that is a [*DamagedError].
func verify(s stored) (*protocol.Record, error) {
	r, err := protocol.DecodeRecord(s.header, s.value)
	if err == nil && s.names(r.ID()) && r.HasValue() && r.CheckCarried() == nil {
		return r, nil
	}
	damaged := &DamagedError{}
	copy(damaged.ID[:], s.id)
	if r, err = protocol.DecodeRecord(s.header, nil); err == nil && s.names(r.ID()) {
		damaged.Record = r
	}
	return nil, damaged
}

// names reports whether a record is filed under an ID.
func (s *stored) names(id protocol.ID) bool { return string(s.id) == string(id[:]) }

func asDamaged(err error) *DamagedError {
	var d *DamagedError
	if errors.As(err, &d) {
		return d
	}
	return nil
}

// headerOf is for who needs no value of a record: that it is damaged does not matter then.
func headerOf(r *protocol.Record, err error) (*protocol.Record, error) {
	if d := asDamaged(err); d != nil && d.Record != nil {
		return d.Record, nil
	}
	return r, err
}

// queued returns a pending or held record, as frame does an attached one.
func (c *conn) queued(sql string, arg driver.Value) (r *protocol.Record, found bool, err error) {
	var s stored
	if found, err = c.one(func(row *rows) { s.read(row, 0) }, sql, arg); err != nil || !found {
		return nil, false, err
	}
	r, err = verify(s)
	return r, true, err
}

// Repair puts a record's bytes in the place of damaged ones. The record is attached here already,
// so nothing is admitted; its bytes must be those that its ID stands for. It reports whether there
// was anything to repair.
func (s *Store) Repair(ctx context.Context, r *protocol.Record) (repaired bool, err error) {
	if err := r.CheckCarried(); err != nil || !r.HasValue() {
		return false, errors.Join(ErrValueMissing, err)
	}
	at, seen := new(int64), new(uint64) // not the caller's, who may have given up
	err = s.change(ctx, func(t *tx) (err error) {
		*at, err = t.repair(r)
		*seen = t.repairs + 1
		return err
	})
	if err != nil {
		return false, err
	}
	s.damage.repaired(*at, r.ID(), *seen)
	return *at > 0, nil
}

// repairKnown repairs a record that is put again.
func (t *tx) repairKnown(r *protocol.Record) error {
	idx, err := t.repair(r)
	t.damage.repaired(idx, r.ID(), t.repairs+1)
	return err
}

// repair overwrites the bytes of an attached record if they are damaged, and returns its index
// then, 0 otherwise. The header is not packed then: it needs nothing else on this disk.
func (t *tx) repair(r *protocol.Record) (int64, error) {
	id := r.ID()
	idx, err := t.index(id)
	if err != nil || idx == 0 {
		return 0, err
	}
	_, err = t.frame(idx)
	if err == nil {
		return 0, t.recovered(idx)
	} else if asDamaged(err) == nil {
		return 0, err
	}
	t.changes.Repaired = true
	if err := t.repairWords(idx, r); err != nil {
		return 0, err
	}
	if err := t.setRecord(idx, r.HeaderBytes(), r.ValueBytes()); err != nil {
		return 0, err
	}
	if err := t.identify(idx, r); err != nil {
		return 0, err
	}
	e := newEntry(r)
	missed, err := t.putAllRows(idx, e)
	if err == nil && missed {
		err = t.indexMissed(idx, e)
	}
	if err != nil {
		return 0, err
	}
	t.store.ranker.wake() // what could not be ranked without it
	_, err = t.exec("DELETE FROM damaged WHERE idx = ?", idx)
	return idx, err
}

// putAllRows adds the rows that a record lacks in the runs. It reports whether the version was
// missing there.
func (t *tx) putAllRows(idx int64, e *entry) (missed bool, err error) {
	had, err := t.hasRows(kindVersions, idx, e)
	for kind := range kinds {
		if err == nil {
			err = t.putRows(kind, idx, e)
		}
	}
	return !had, err
}

// identify writes what the graph has of a record to tell it from others.
func (t *tx) identify(idx int64, r *protocol.Record) error {
	return t.setIdentity(idx, r.ID(), int64(r.Timestamp))
}

// recovered forgets that a record was damaged.
func (t *tx) recovered(idx int64) error {
	if !t.damage.recovered(idx) {
		return nil
	}
	t.mended = true
	_, err := t.exec("DELETE FROM damaged WHERE idx = ?", idx)
	return err
}

// repairWords writes the words that a record's row refers to, if the row is the record's: it may be
// they that are damaged, and then other records need them.
func (t *tx) repairWords(idx int64, r *protocol.Record) error {
	s, _, err := t.stored(idx)
	if err != nil || !packed.IsPacked(s.header) {
		return err
	}
	numbers, _ := packed.Row(s.header).Numbers(r)
	for at, number := range numbers {
		if number == 0 {
			continue
		}
		word := packed.Word(r.Owner)
		if at > 0 {
			word = packed.Word(r.Selectors[at-1].Key)
		}
		if row, err := t.numbered(number); err == nil && row.whole && row.word == word {
			continue
		} else if err != nil && !errors.Is(err, errReference) {
			return err
		}
		if _, err := t.exec("INSERT OR REPLACE INTO dictionary VALUES (?, ?, ?)", int64(number), word[:], sourceOf(idx, at)); err != nil {
			return err
		}
		t.damage.mend(idx, wordOfDictionary)
	}
	return nil
}
