package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// syncStore shows the store to package lfsync as that wants to see it.
type syncStore struct {
	store *store.Store
}

// Put implements lfsync.Store.
func (s syncStore) Put(ctx context.Context, r *protocol.Record, holdUntil uint64) (lfsync.Stored, error) {
	return s.putBy(ctx, s.store.Put, r, holdUntil)
}

// Submit implements lfsync.Store.
func (s syncStore) Submit(ctx context.Context, r *protocol.Record, holdUntil uint64) (lfsync.Stored, error) {
	return s.putBy(ctx, s.store.Submit, r, holdUntil)
}

func (s syncStore) putBy(
	ctx context.Context, put func(context.Context, *protocol.Record, uint64) (store.Result, error), r *protocol.Record, holdUntil uint64,
) (lfsync.Stored, error) {
	res, err := put(ctx, r, holdUntil)
	if err != nil {
		return lfsync.Stored{}, err
	}
	return storedOf(res), nil
}

// PutAll implements lfsync.Store.
func (s syncStore) PutAll(ctx context.Context, records []*protocol.Record, holds []uint64) ([]lfsync.Stored, error) {
	results, err := s.store.PutAll(ctx, records, holds)
	stored := make([]lfsync.Stored, len(results))
	for i := range results {
		stored[i] = storedOf(results[i])
	}
	return stored, err
}

func storedOf(r store.Result) lfsync.Stored {
	stored := lfsync.Stored{
		Outcome: outcomeOf(r.Outcome), State: outcomeOf(r.State), Index: r.Index,
		Missing: r.Missing, Attached: r.Attached, Err: r.Err,
	}
	if stored.Outcome == lfsync.Refused {
		stored.State = lfsync.Refused
	}
	return stored
}

// Release implements lfsync.Store.
func (s syncStore) Release(ctx context.Context, now uint64) (lfsync.Stored, error) {
	attached, missing, err := s.store.Release(ctx, now)
	return lfsync.Stored{Attached: attached, Missing: missing}, err
}

// Record implements lfsync.Store.
func (s syncStore) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	r, _, err := s.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	r, err = pruned(r, err)
	return r, err == nil, err
}

// pruned shows a record whose value is damaged as one without it, and says that one is damaged
// whose header is.
func pruned(r *protocol.Record, err error) (*protocol.Record, error) {
	var damaged *store.DamagedError
	switch {
	case !errors.As(err, &damaged):
		return r, err
	case damaged.Record != nil && !damaged.Record.HasValue():
		return damaged.Record, nil
	}
	return nil, fmt.Errorf("%w: %w", lfsync.ErrDamaged, err)
}

// Damaged implements lfsync.Repairs.
func (s syncStore) Damaged() (ids []protocol.ID) {
	for _, r := range s.store.Damage().Records {
		ids = append(ids, r.ID)
	}
	return ids
}

// Found implements lfsync.Repairs.
func (s syncStore) Found() <-chan struct{} { return s.store.DamageFound() }

// Repair implements lfsync.Repairs.
func (s syncStore) Repair(ctx context.Context, r *protocol.Record) error {
	_, err := s.store.Repair(ctx, r)
	return err
}

// Unavailable implements lfsync.Repairs.
func (s syncStore) Unavailable(id protocol.ID) { s.store.Unavailable(id) }

// ByPrefix implements lfsync.Store.
func (s syncStore) ByPrefix(ctx context.Context, prefix []byte) (*protocol.Record, int, error) {
	r, n, err := s.store.ByPrefix(ctx, prefix)
	r, err = pruned(r, err)
	return r, n, err
}

// Scan implements lfsync.Store.
func (s syncStore) Scan(ctx context.Context, yield func([]lfsync.Item) error) error {
	return s.store.Scan(ctx, func(items []store.Item) error { return yield(itemsOf(items)) })
}

// Follow implements lfsync.Store.
func (s syncStore) Follow(fn func([]lfsync.Item)) (cancel func()) {
	return s.store.Follow(func(items []store.Item) { fn(itemsOf(items)) })
}

func itemsOf(items []store.Item) []lfsync.Item {
	of := make([]lfsync.Item, len(items))
	for i, item := range items {
		of[i] = lfsync.Item(item)
	}
	return of
}

// Unknown implements lfsync.Store.
func (s syncStore) Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error) {
	return s.store.Unknown(ctx, ids)
}

// Missing implements lfsync.Store.
func (s syncStore) Missing(ctx context.Context, limit int) ([]protocol.ID, error) {
	return s.store.Missing(ctx, limit)
}

func outcomeOf(o store.Outcome) lfsync.Outcome {
	switch o {
	case store.Attached:
		return lfsync.Attached
	case store.Pending:
		return lfsync.Pending
	case store.Held:
		return lfsync.Held
	case store.Known:
		return lfsync.Known
	case store.Refused:
		return lfsync.Refused
	default:
		return 0
	}
}
