package service

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Status implements api.Service.
func (s *Service) Status(ctx context.Context) (*api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stats, err := s.config.Store.Stats(ctx)
	if err != nil {
		return nil, Failure(err)
	}
	effective, problem := s.config.Trust.Effective()
	whom := trust.Status(s.config.Network, effective, problem)
	whom.Oracle = oracleStatus(s.config.Oracle, s.config.OraclePerHour)
	synced := s.config.Sync.Status()
	return &api.Status{
		Version:   s.config.Version,
		Peer:      s.config.Host.ID().String(),
		Addresses: p2p.Addresses(s.config.Host),
		Network:   api.NetworkInfo{ID: s.config.Network.ID(), Parameters: s.config.Network.Params()},
		Profile:   string(s.config.Host.Profile()),
		Offline:   s.config.Offline,
		Started:   s.started,
		Sync:      *s.syncOf(&synced.Sync, stats, synced.Fetches),
		Storage: api.Storage{
			Attached: stats.Attached, Pending: stats.Pending, Held: stats.Held, Tips: stats.Tips, Bytes: stats.Bytes,
			Database: s.database, Problem: s.diskFacts(stats.Bytes).Problem,
		},
		Traffic: s.config.Host.Traffic(),
		Trust:   whom,
		Dropped: dropsOf(synced.Dropped, stats.DroppedPending, stats.DroppedHeld),
	}, nil
}

// syncOf is what the synchronization says of itself, with what the store counts.
func (s *Service) syncOf(now *lfsync.SyncStatus, stats store.Stats, fetches int) *api.SyncStatus {
	out := &api.SyncStatus{
		State: now.State, Since: s.since.note(now.State), Attached: stats.Attached, Pending: stats.Pending, Held: stats.Held,
		Peers: now.Peers, Agreeing: now.Agreeing, Missing: now.Missing, Fetches: fetches, AgreedAt: api.Millis(now.Agreed),
		Named: now.Named, AheadPeers: now.AheadPeers, Ahead: now.Ahead, OwnAhead: now.OwnAhead,
	}
	if now.Ready {
		out.Fingerprint = hex.EncodeToString(now.Fingerprint[:])
	}
	if p := &now.Progress; p.Total > 0 {
		out.Progress = &api.Progress{Done: p.Done, Total: p.Total, Since: api.Millis(p.Since), Rate: p.Rate}
	}
	return out
}

// Synced implements api.Service.
func (s *Service) Synced(ctx context.Context, timeout time.Duration) (*api.SyncStatus, error) {
	if err := api.CheckTimeout(timeout); err != nil {
		return nil, err
	}
	timeout = cmp.Or(timeout, api.DefaultTimeout)
	select {
	case s.syncing <- struct{}{}:
		defer func() { <-s.syncing }()
	default:
		return nil, api.Unavailable("%d requests wait for this node to be in sync: try again later", maxSyncing)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	now, wrong := s.config.Sync.WaitSynced(limited)
	stats, err := s.config.Store.Stats(ctx)
	if err != nil {
		return nil, Failure(err)
	}
	status := s.syncOf(&now, stats, s.config.Sync.Status().Fetches)
	switch {
	case wrong == nil:
		return status, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case status.State == api.SyncOffline:
		return nil, api.NotSynced(status, "this node is offline: there is nobody to be in sync with")
	case errors.Is(wrong, lfsync.ErrAlone):
		return nil, api.NotSynced(status, "no peer was there to compare with within %s", timeout)
	}
	return nil, api.NotSynced(status, "this node was not in sync within %s: %d of %d peers agree, %d records are known to be missing",
		timeout, status.Agreeing, status.Peers, status.Missing)
}

// dropsOf lists the queues that have dropped something, by name.
func dropsOf(dropped map[string]uint64, pending, held uint64) []api.Drop {
	all := map[string]uint64{"pending": pending, "held": held}
	maps.Copy(all, dropped)
	var drops []api.Drop
	for _, queue := range slices.Sorted(maps.Keys(all)) {
		if all[queue] > 0 {
			drops = append(drops, api.Drop{Queue: queue, Count: all[queue]})
		}
	}
	return drops
}

// Network implements api.Service.
func (s *Service) Network(context.Context) (*protocol.NetworkFile, error) {
	f := s.config.Network.File(s.config.SeedTexts)
	return &f, nil
}

// oracleStatus is nil where the node is no oracle.
func oracleStatus(o *oracle.Commentator, perHour int) *api.OracleStatus {
	if o == nil {
		return nil
	}
	s := o.Status()
	out := &api.OracleStatus{
		Commentaries: s.Commentaries, Words: s.Words, Waiting: s.Waiting, Silent: s.Silent,
		PerHour: cmp.Or(perHour, oracle.DefaultPerHour),
	}
	if !s.Last.IsZero() {
		out.Last = uint64(s.Last.UnixMilli()) // after 1970
	}
	return out
}
