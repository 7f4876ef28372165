package node

import (
	"context"
	"errors"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// syncStore shows the store to package lfsync as that wants to see it.
type syncStore struct {
	store *store.Store
	// attached is called after records were attached; nil: nothing is.
	attached func()
}

func (s syncStore) notify(attached []protocol.ID) {
	if len(attached) > 0 && s.attached != nil {
		s.attached()
	}
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
		return lfsync.Stored{}, err //nolint:wrapcheck // an adapter adds nothing
	}
	s.notify(res.Attached)
	return storedOf(res), nil
}

// PutAll implements lfsync.Store.
func (s syncStore) PutAll(ctx context.Context, records []*protocol.Record, holds []uint64) ([]lfsync.Stored, error) {
	results, err := s.store.PutAll(ctx, records, holds)
	stored := make([]lfsync.Stored, len(results))
	for i := range results {
		stored[i] = storedOf(results[i])
	}
	if slices.ContainsFunc(results, func(r store.Result) bool { return len(r.Attached) > 0 }) && s.attached != nil {
		s.attached()
	}
	return stored, err //nolint:wrapcheck // an adapter adds nothing
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
	s.notify(attached)
	return lfsync.Stored{Attached: attached, Missing: missing}, err //nolint:wrapcheck // an adapter adds nothing
}

// Record implements lfsync.Store.
func (s syncStore) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	r, _, err := s.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return r, err == nil, err //nolint:wrapcheck // an adapter adds nothing
}

// ByPrefix implements lfsync.Store.
func (s syncStore) ByPrefix(ctx context.Context, prefix []byte) (*protocol.Record, int, error) {
	return s.store.ByPrefix(ctx, prefix) //nolint:wrapcheck // an adapter adds nothing
}

// Scan implements lfsync.Store.
func (s syncStore) Scan(ctx context.Context, yield func([]lfsync.Item) error) error {
	return s.store.Scan(ctx, func(items []store.Item) error { return yield(itemsOf(items)) }) //nolint:wrapcheck // an adapter adds nothing
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
	return s.store.Unknown(ctx, ids) //nolint:wrapcheck // an adapter adds nothing
}

// Missing implements lfsync.Store.
func (s syncStore) Missing(ctx context.Context, limit int) ([]protocol.ID, error) {
	return s.store.Missing(ctx, limit) //nolint:wrapcheck // an adapter adds nothing
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
