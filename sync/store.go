package lfsync

import (
	"context"
	"errors"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/pulse"
)

// Store is what synchronization needs of a store. It is safe for concurrent use.
type Store interface {
	// Put stores a record that passed Network.Check with its value present, and returns when that
	// is durable. With a holdUntil above 0 the record is held until that time, in milliseconds.
	// Refusing a record is no error.
	Put(ctx context.Context, r *protocol.Record, holdUntil uint64) (Stored, error)
	// Submit is Put for what this node's own users write: it goes before what peers sent and waits
	// to be put.
	Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (Stored, error)
	// Release puts the held records whose time has come. Of the result, Missing and Attached count.
	Release(ctx context.Context, now uint64) (Stored, error)
	// Record returns a record that is attached, pending or held. One whose value is damaged comes
	// without it; where the header is, the error wraps ErrDamaged.
	Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error)
	// Unknown returns those of ids that are neither attached, pending nor held.
	Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error)
	// Missing returns ancestors that pending records wait for and that are not here. Where there
	// are more than limit it does not return the same ones each time: what nobody has must not hide
	// the rest.
	Missing(ctx context.Context, limit int) ([]protocol.ID, error)
	Replica
	pulse.Store
}

// ErrDamaged says that a record is here and cannot be shown, because the disk damaged it.
var ErrDamaged = errors.New("damaged on this node's disk")

// Repairs is what a store has that knows which of its records are damaged.
type Repairs = fetch.Repairs

// Replica is what comparing and copying whole sets of records needs of a Store.
type Replica interface {
	// Scan yields all attached records, those of the genesis included, in their local order, in
	// chunks that are the callee's to keep. What becomes attached meanwhile may be among them or
	// not.
	Scan(ctx context.Context, yield func([]Item) error) error
	// Follow calls fn after each commit with what it attached, parents first. Who follows before
	// scanning misses nothing, and may see a record twice. fn is quick and does not call the store.
	// After cancel returns, fn is not called.
	Follow(fn func([]Item)) (cancel func())
	// PutAll stores records in their order, each as Put would with its element of holds (nil: all
	// 0), in as few transactions as possible. With an error, those whose result has an Outcome are
	// durable; the others may be.
	PutAll(ctx context.Context, rs []*protocol.Record, holds []uint64) ([]Stored, error)
	// ByPrefix returns the records that are here, attached, pending or held, and whose IDs begin
	// with each of some prefixes (8 to 32 bytes). Damage is told as by Record.
	ByPrefix(ctx context.Context, prefixes [][]byte) ([]Match, error)
}

// Item is a record as an element of the set that peers compare.
type Item = intake.Item

// Match is what there is of the records whose IDs begin with the same bytes.
type Match = intake.Match

// Outcome says what became of a record.
type Outcome = intake.Outcome

// The outcomes.
const (
	Attached = intake.Attached // stored, with all its ancestors
	Pending  = intake.Pending  // stored, and some ancestor is missing
	Held     = intake.Held     // stored, until the clock reaches it
	Known    = intake.Known    // was here already; State tells how
	Refused  = intake.Refused  // not stored; Err tells why
)

// Stored is what became of a record in the store.
type Stored = intake.Result
