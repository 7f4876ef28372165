package store

import (
	"context"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// Outcome says what became of a record that was put, and how far one has come that is here.
type Outcome = intake.Outcome

// State is one of Attached, Pending and Held; 0 for a record that is not here.
type State = intake.Outcome

// The outcomes. Known means that the record was here already; Result.State says how. The first
// three are states too.
const (
	Attached = intake.Attached
	Pending  = intake.Pending
	Held     = intake.Held
	Known    = intake.Known
	Refused  = intake.Refused
)

// Result tells what became of a record.
type Result = intake.Result

// Put stores a record that passed the network's Check. With holdUntil above 0 (milliseconds, what
// the network's HoldUntil said), it is held until [Store.Release] is called with that time. When
// Put returns without error, its result is on disk. Otherwise the error is the database's, or
// ctx's, and the record may have been stored nevertheless.
func (s *Store) Put(ctx context.Context, r *protocol.Record, holdUntil uint64) (Result, error) {
	return s.putBy(ctx, s.change, r, holdUntil)
}

// Submit is Put for what this node's own users write: it goes before all that peers sent and that
// waits to be put.
func (s *Store) Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (Result, error) {
	return s.putBy(ctx, s.changeFirst, r, holdUntil)
}

func (s *Store) putBy(ctx context.Context, change func(context.Context, func(*tx) error) error, r *protocol.Record, holdUntil uint64) (Result, error) {
	if !r.HasValue() {
		return Result{Outcome: Refused, Err: ErrValueMissing}, nil
	}
	e := newEntry(r)
	result := new(Result)
	err := change(ctx, func(t *tx) error {
		*result = Result{}
		return t.put(e, holdUntil, result)
	})
	if err != nil {
		return Result{}, err
	}
	return *result, nil
}

// Release puts the held records whose time has come by now, in milliseconds, in as many
// transactions as that takes. It returns what became attached, parents first, and what is known to
// be missing for those that are now pending.
func (s *Store) Release(ctx context.Context, now uint64) (attached, missing []protocol.ID, err error) {
	type outcome struct {
		attached, missing []protocol.ID
		more              bool
	}
	for more := true; more; {
		o := new(outcome)
		if err := s.change(ctx, func(t *tx) (err error) {
			*o = outcome{}
			o.attached, o.missing, o.more, err = t.release(now)
			return err
		}); err != nil {
			return attached, missing, err
		}
		attached, missing, more = append(attached, o.attached...), append(missing, o.missing...), o.more
	}
	return attached, missing, nil
}

func (t *tx) put(e *entry, holdUntil uint64, result *Result) error {
	known, err := t.known(e.ID(), result)
	if err != nil {
		return err
	}
	if known {
		if result.State == Attached && t.store.damage.has(e.ID()) {
			return t.repairKnown(e.Record)
		}
		if result.State != Held || holdUntil > 0 {
			return t.missingOf(e.Record, result)
		}
		if err := t.unhold(e.Record); err != nil { // its time has come
			return err
		}
	}
	if holdUntil > 0 {
		return t.hold(e, holdUntil, result)
	}
	return t.place(e, result)
}

// known fills in the result for a record that is here.
func (t *tx) known(id protocol.ID, result *Result) (bool, error) {
	at, found, err := t.find(id)
	if err != nil {
		return false, err
	}
	if found {
		*result = Result{Outcome: Known, State: Attached, Index: uint64(at.idx)}
		return true, nil
	}
	if t.store.waits.isPending(id) {
		*result = Result{Outcome: Known, State: Pending}
		return true, nil
	}
	if t.meta.held > 0 && !t.absences.unheld[id] {
		if found, err = t.isHeld(id); found || err != nil {
			*result = Result{Outcome: Known, State: Held}
			return found, err
		}
	}
	return false, nil
}

// place attaches a record that is not here, with all that waited for it, or makes it wait, or
// refuses it.
func (t *tx) place(e *entry, result *Result) error {
	parents, missing, err := t.parents(e.Links)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return t.pend(e, missing, result)
	}
	where, err := t.checkLinked(e, parents)
	switch {
	case isInvalid(err):
		*result = Result{Outcome: Refused, Err: err}
		return t.drop(e.ID())
	case err != nil:
		return err
	}
	e.seen = 0 // a batch that is repeated sees the record again
	at, err := t.attachAt(e, parents, where)
	if err != nil {
		return err
	}
	*result = Result{Outcome: Attached, State: Attached, Index: uint64(at.idx), Attached: []protocol.ID{e.ID()}}
	return t.cascade(&result.Attached)
}
