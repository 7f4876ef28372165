package proxy

import (
	"context"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Status implements api.Service: the best node's state is the proxy's.
func (s *Service) Status(ctx context.Context) (*api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	status := &api.Status{
		Version: s.config.Version, Addresses: []string{}, Profile: "proxy", Pays: s.config.Network.Params().WorkPerKiB > 0, Started: s.started,
		Network: api.NetworkInfo{ID: s.config.Network.ID(), Parameters: s.config.Network.Params()},
		Sync:    api.SyncStatus{State: api.SyncAlone},
		Trust:   api.Trust{Policy: protocol.DefaultPolicy(), Oracles: []protocol.Owner{}, Authorities: []api.AuthorityInfo{}},
	}
	if list, err := s.nodes.usable(ctx); err == nil {
		if best := list[0].known().status; best != nil {
			status.Sync, status.Trust = best.Sync, best.Trust
			status.Storage.Attached, status.Storage.Pending, status.Storage.Held = best.Storage.Attached, best.Storage.Pending, best.Storage.Held
		}
	}
	return status, nil
}

// Synced implements api.Service: it waits until one node is in sync.
func (s *Service) Synced(ctx context.Context, timeout time.Duration) (*api.SyncStatus, error) {
	status, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.SyncStatus, error) { return n.Synced(ctx, timeout) })
	return status, err
}

// Doctor implements api.Service.
func (s *Service) Doctor(ctx context.Context) (*api.Checkup, error) {
	if err := s.nodes.meet(ctx); err != nil {
		return nil, err
	}
	return &api.Checkup{Healthy: s.nodes.ready() == nil, Findings: []api.Finding{}}, nil
}
