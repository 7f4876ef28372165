package lfsync

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/reconcile"
)

// Status is what an operator wants to know of the synchronization.
type Status struct {
	// Peers counts the connected peers that speak the network's protocols, Wanted the records known
	// to be missing, Fetches the requests under way.
	Peers, Wanted, Fetches int
	// Dropped counts what was dropped because a queue was full, by queue.
	Dropped map[string]uint64
	// Sync tells how this node's set of records stands to those of its peers.
	Sync SyncStatus
}

// The states of a SyncStatus.
const (
	StateOffline   = reconcile.StateOffline
	StateAlone     = reconcile.StateAlone
	StateComparing = reconcile.StateComparing
	StateFetching  = reconcile.StateFetching
	StateSynced    = reconcile.StateSynced
)

// SyncStatus answers "am I in sync?". The set is that of all attached records.
type SyncStatus = reconcile.Status

// Progress is how far a backfill is.
type Progress = reconcile.Progress

// Errors of WaitSynced.
var (
	ErrAlone     = reconcile.ErrAlone
	ErrNotSynced = reconcile.ErrNotSynced
)

// WaitSynced compares with the connected peers now. It returns when at least half of them, and at
// least one, have agreed since the call and nothing that they listed is missing. Several calls at a
// time share their comparisons. Where that is not so when ctx ends, the error is ErrAlone or wraps
// ErrNotSynced and the status tells how far it has come. A node without a host returns ErrAlone at
// once.
func (s *Sync) WaitSynced(ctx context.Context) (SyncStatus, error) {
	if s.host == nil {
		return s.syncStatus(), ErrAlone
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	defer context.AfterFunc(s.ctx, done)()
	err := s.reconciler.Wait(ctx)
	return s.syncStatus(), err
}

// PeerAgreement returns when a connected peer agreed last; false: it has not yet.
func (s *Sync) PeerAgreement(p peer.ID) (time.Time, bool) { return s.reconciler.PeerAgreement(p) }

func (s *Sync) syncStatus() SyncStatus {
	st, fetching := s.reconciler.Status(s.host == nil), s.fetcher.Status()
	// What peers listed is missing until it has come; from then on until it is attached the
	// agreements alone know.
	st.Missing, st.Named = max(st.Missing, fetching.Listed), fetching.Named
	return st
}

// ClockStatus is how this node's clock stands to those of its peers.
type ClockStatus = clock.Status

// Clock tells how this node's clock stands to those of its peers.
func (s *Sync) Clock() ClockStatus { return s.clocks.Status() }
