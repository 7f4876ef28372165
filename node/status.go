package node

import (
	"context"
	"maps"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Status implements api.Service.
func (s *service) Status(ctx context.Context) (*api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err //nolint:wrapcheck // the caller's own
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
		Sync:      api.SyncStatus{Peers: synced.Peers, Wanted: synced.Wanted, Fetches: synced.Fetches},
		Storage: api.Storage{
			Attached: stats.Attached, Pending: stats.Pending, Held: stats.Held, Tips: stats.Tips, Bytes: stats.Bytes,
		},
		Trust:   trust,
		Dropped: dropsOf(synced.Dropped, stats.DroppedPending, stats.DroppedHeld),
	}, nil
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
