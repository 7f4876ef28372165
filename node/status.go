package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Status implements api.Service.
func (s *service) Status(ctx context.Context) (*api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return nil, failure(err)
	}
	believed, problem := s.trust.now()
	trust := trustOf(s.config.Network, believed, problem)
	trust.Oracle = oracleStatus(s.oracle, &s.config.Oracle)
	synced := s.sync.Status()
	return &api.Status{
		Version:   s.config.Version,
		Peer:      s.host.ID().String(),
		Addresses: addressesOf(s.host),
		Network:   api.NetworkInfo{ID: s.config.Network.ID(), Parameters: s.config.Network.Params()},
		Profile:   string(s.config.Profile),
		Offline:   s.config.Offline,
		Started:   s.started,
		Sync:      *syncOf(&synced.Sync, stats, synced.Fetches),
		Storage: api.Storage{
			Attached: stats.Attached, Pending: stats.Pending, Held: stats.Held, Tips: stats.Tips, Bytes: stats.Bytes,
			Database: s.database,
		},
		Traffic: s.traffic.total(),
		Trust:   trust,
		Dropped: dropsOf(synced.Dropped, stats.DroppedPending, stats.DroppedHeld),
	}, nil
}

// syncOf is what the synchronization says of itself, with what the store counts.
func syncOf(s *lfsync.SyncStatus, stats store.Stats, fetches int) *api.SyncStatus {
	out := &api.SyncStatus{
		State: s.State, Attached: stats.Attached, Pending: stats.Pending, Held: stats.Held,
		Peers: s.Peers, Agreeing: s.Agreeing, Missing: s.Missing, Fetches: fetches, AgreedAt: millis(s.Agreed),
		Named: s.Named, AheadPeers: s.AheadPeers, Ahead: s.Ahead, OwnAhead: s.OwnAhead,
	}
	if s.Ready {
		out.Fingerprint = hex.EncodeToString(s.Fingerprint[:])
	}
	if p := &s.Progress; p.Total > 0 {
		out.Progress = &api.Progress{Done: p.Done, Total: p.Total, Since: millis(p.Since), Rate: p.Rate}
	}
	return out
}

// millis is a time as the API has it; 0 for none.
func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.UnixMilli(), 0)) // not negative
}

// Synced implements api.Service.
func (s *service) Synced(ctx context.Context, timeout time.Duration) (*api.SyncStatus, error) {
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
	now, wrong := s.sync.WaitSynced(limited)
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return nil, failure(err)
	}
	status := syncOf(&now, stats, s.sync.Status().Fetches)
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
func (s *service) Network(context.Context) (*protocol.NetworkFile, error) {
	f := s.config.Network.File(s.config.Seeds)
	return &f, nil
}
