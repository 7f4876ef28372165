package store

import (
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// hold keeps a record until its time has come.
func (t *tx) hold(e *entry, until uint64, result *Result) error {
	size, limits := int64(e.WireSize()), t.store.options.MaxHeld
	if uint64(t.meta.held) >= limits.Records || uint64(t.meta.heldBytes+size) > limits.Bytes {
		*result = Result{Outcome: Refused, Err: ErrHeldFull}
		t.meta.droppedHeld++
		return nil
	}
	id := e.ID()
	delete(t.survey.unqueued, id)
	if _, err := t.exec("INSERT INTO held VALUES (?, ?, ?, ?)", id[:], int64(min(until, protocol.MaxTimestamp)), e.HeaderBytes(), e.ValueBytes()); err != nil {
		return err
	}
	t.meta.held++
	t.meta.heldBytes += size
	*result = Result{Outcome: Held, State: Held}
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
	t.meta.heldBytes -= n * size
	return err
}

// release puts the held records whose time has come, the earliest first.
func (t *tx) release(now uint64) (attached, missing []protocol.ID, err error) {
	due, err := t.due(now)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range due {
		if err := t.unhold(r); err != nil {
			return nil, nil, err
		}
		var result Result
		if err := t.place(newEntry(r), &result); err != nil {
			return nil, nil, err
		}
		if result.Outcome == Refused {
			t.meta.droppedHeld++
		}
		attached, missing = append(attached, result.Attached...), append(missing, result.Missing...)
	}
	return attached, missing, nil
}

// due returns the records whose time has come. Those that the disk damaged are forgotten.
func (t *tx) due(now uint64) (due []*protocol.Record, err error) {
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
	}, "SELECT id, header, value FROM held WHERE until <= ? ORDER BY until, id", int64(min(now, protocol.MaxTimestamp))); err != nil {
		return nil, err
	}
	for _, s := range damaged {
		t.store.options.Logger.Error("this node's disk damaged a record that was ahead of the clock; it is forgotten", "record", fmt.Sprintf("%x", s.id))
		if err := t.dropHeld(s.id, int64(len(s.header)+len(s.value))); err != nil {
			return nil, err
		}
		t.meta.droppedHeld++
		if len(s.id) == len(protocol.ID{}) { // what waits for it may have it from a peer
			if err := t.want(protocol.ID(s.id)); err != nil {
				return nil, err
			}
		}
	}
	return due, nil
}
