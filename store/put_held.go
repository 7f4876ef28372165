package store

import (
	"fmt"

	"github.com/lf-store/lf/protocol"
)

func (c *conn) isHeld(id protocol.ID) (bool, error) {
	return c.one(nil, "SELECT 1 FROM held WHERE id = ?", id[:])
}

// hold keeps a record until its time has come.
func (t *tx) hold(e *entry, until uint64, result *Result) error {
	size, ahead, unpaid := waitingSize(e.Record), int64(min(until, protocol.MaxTimestamp)), int64(0)
	if !t.store.network.Paid(e.Record) {
		unpaid = 1
	}
	room, err := t.makeHeldRoom(size, ahead, unpaid)
	if err != nil {
		return err
	}
	if !room {
		*result = Result{Outcome: Refused, Err: ErrHeldFull}
		t.meta.droppedHeld++
		return nil
	}
	id := e.ID()
	delete(t.absences.unheld, id)
	if _, err := t.exec("INSERT INTO held (id, until, header, value, unpaid) VALUES (?, ?, ?, ?, ?)",
		id[:], ahead, e.HeaderBytes(), e.ValueBytes(), unpaid); err != nil {
		return err
	}
	t.meta.held++
	t.meta.heldBytes += size
	*result = Result{Outcome: Held, State: Held}
	return t.want(id)
}

// makeHeldRoom drops held records until there is room for one more of this size. Records that are
// not known to be paid go first; among equals, the one furthest ahead of the clock. So a record
// dated a day ahead does not turn away one of a clock that is a little wrong. Nor does an unpaid
// record turn away a paid one. It reports whether there is room.
func (t *tx) makeHeldRoom(size, until, unpaid int64) (bool, error) {
	limits := t.store.options.MaxHeld
	if uint64(size) > limits.Bytes {
		return false, nil
	}
	for uint64(t.meta.held) >= limits.Records || uint64(t.meta.heldBytes+size) > limits.Bytes {
		var furthest struct {
			id            protocol.ID
			until, unpaid int64
		}
		read := func(r *rows) {
			copy(furthest.id[:], r.blob(0))
			furthest.until, furthest.unpaid = r.int(1), r.int(2)
		}
		found, err := t.one(read, "SELECT id, until, unpaid FROM held INDEXED BY held_unpaid WHERE unpaid = 1 ORDER BY until DESC LIMIT 1")
		if err == nil && !found {
			_, err = t.one(read, "SELECT id, until, unpaid FROM held INDEXED BY held_until ORDER BY until DESC LIMIT 1")
		}
		switch {
		case err != nil:
			return false, err
		case furthest.unpaid < unpaid, furthest.unpaid == unpaid && furthest.until <= until:
			return false, nil
		}
		if err := t.evictHeld(furthest.id); err != nil {
			return false, err
		}
	}
	return true, nil
}

// evictHeld drops a held record.
func (t *tx) evictHeld(id protocol.ID) error {
	size, err := t.number("SELECT length(header) + coalesce(length(value), 0) FROM held WHERE id = ?", id[:])
	if err != nil {
		return err
	}
	if err := t.dropHeld(id[:], size); err != nil {
		return err
	}
	t.meta.droppedHeld++
	return t.want(id)
}

// unhold takes a record out of those that are held.
func (t *tx) unhold(r *protocol.Record) error {
	id := r.ID()
	return t.dropHeld(id[:], int64(r.WireSize()))
}

// dropHeld deletes a row of the table held; size is that of its header and value.
func (t *tx) dropHeld(id []byte, size int64) error {
	n, err := t.exec("DELETE FROM held WHERE id = ?", id)
	t.meta.held -= n
	t.meta.heldBytes -= n * (size + waitingRow)
	return err
}

// release puts the held records whose time has come, the earliest first, as many as one transaction
// takes. It reports whether there may be more.
func (t *tx) release(now uint64) (attached, missing []protocol.ID, more bool, err error) {
	due, more, err := t.due(now)
	if err != nil {
		return nil, nil, false, err
	}
	for _, r := range due {
		if err := t.unhold(r); err != nil {
			return nil, nil, false, err
		}
		var result Result
		if err := t.place(newEntry(r), &result); err != nil {
			return nil, nil, false, err
		}
		if result.Outcome == Refused {
			t.meta.droppedHeld++
		}
		attached, missing = append(attached, result.Attached...), append(missing, result.Missing...)
	}
	return attached, missing, more, nil
}

// due returns the records whose time has come, as many as one transaction takes, and whether there
// may be more. Those that the disk damaged are forgotten.
func (t *tx) due(now uint64) (due []*protocol.Record, more bool, err error) {
	var damaged []stored
	if err := t.each(func(row *rows) error {
		var s stored
		s.read(row, 0)
		if r, err := verify(s); err == nil {
			due = append(due, r)
		} else {
			damaged = append(damaged, s)
		}
		return nil
	}, "SELECT id, header, value FROM held WHERE until <= ? ORDER BY until, id LIMIT ?",
		int64(min(now, protocol.MaxTimestamp)), int64(releaseRecords)); err != nil {
		return nil, false, err
	}
	for _, s := range damaged {
		t.store.options.Logger.Error("this node's disk damaged a record that was ahead of the clock; it is forgotten", "record", fmt.Sprintf("%x", s.id))
		if err := t.dropHeld(s.id, int64(len(s.header)+len(s.value))); err != nil {
			return nil, false, err
		}
		t.meta.droppedHeld++
		if len(s.id) == len(protocol.ID{}) { // what waits for it may have it from a peer
			if err := t.want(protocol.ID(s.id)); err != nil {
				return nil, false, err
			}
		}
	}
	return due, len(due)+len(damaged) == releaseRecords, nil
}
