package store

import (
	"errors"

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
	n, err := t.exec("DELETE FROM held WHERE id = ?", id[:])
	t.meta.held -= n
	t.meta.heldBytes -= n * int64(r.WireSize())
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

func (t *tx) due(now uint64) (due []*protocol.Record, err error) {
	err = t.each(func(row *rows) error {
		r, err := protocol.DecodeRecord(row.blob(0), row.blob(1))
		if err != nil {
			return errors.Join(errLayout, err)
		}
		due = append(due, r)
		return nil
	}, "SELECT header, value FROM held WHERE until <= ? ORDER BY until, id", int64(min(now, protocol.MaxTimestamp)))
	return due, err
}
