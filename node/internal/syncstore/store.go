// Package syncstore shows package store to package lfsync.
package syncstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Store shows the store to package lfsync as that wants to see it.
type Store struct {
	*store.Store
}

// Release implements lfsync.Store.
func (s Store) Release(ctx context.Context, now uint64) (lfsync.Stored, error) {
	attached, missing, err := s.Store.Release(ctx, now)
	return lfsync.Stored{Attached: attached, Missing: missing}, err
}

// Record implements lfsync.Store.
func (s Store) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	r, _, err := s.Store.Get(ctx, id)
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
func (s Store) Damaged() (ids []protocol.ID) {
	for _, r := range s.Store.Damage().Records {
		ids = append(ids, r.ID)
	}
	return ids
}

// Found implements lfsync.Repairs.
func (s Store) Found() <-chan struct{} { return s.Store.DamageFound() }

// Repair implements lfsync.Repairs.
func (s Store) Repair(ctx context.Context, r *protocol.Record) error {
	_, err := s.Store.Repair(ctx, r)
	return err
}

// ByPrefix implements lfsync.Store.
func (s Store) ByPrefix(ctx context.Context, prefixes [][]byte) ([]lfsync.Match, error) {
	matches, err := s.Store.ByPrefix(ctx, prefixes)
	for i := range matches {
		m := &matches[i]
		m.Record, m.Err = pruned(m.Record, m.Err)
	}
	return matches, err
}
