package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/node/api"
)

// profile is what a proxy's status says in place of a node's profile.
const profile = "proxy"

// Status implements api.Service. Sync and counts are those of the first node that is asked.
func (s *Service) Status(ctx context.Context) (*api.Status, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	whom, problem := s.trust.Effective()
	status := &api.Status{
		Version: s.config.Version, Addresses: []string{}, Profile: profile, Pays: s.config.Network.Params().WorkPerKiB > 0, Started: s.started,
		Network: api.NetworkInfo{ID: s.config.Network.ID(), Parameters: s.config.Network.Params()},
		Sync:    api.SyncStatus{State: api.SyncAlone},
		Trust:   trust.Status(s.config.Network, whom, problem),
	}
	if first := s.firstStatus(ctx); first != nil {
		status.Sync = first.Sync
		status.Storage.Attached, status.Storage.Pending, status.Storage.Held, status.Storage.Tips = first.Storage.Attached, first.Storage.Pending, first.Storage.Held, first.Storage.Tips
	}
	status.Nodes = s.nodes.show()
	return status, nil
}

// firstStatus is how the first node is that is asked, nil if none is.
func (s *Service) firstStatus(ctx context.Context) *api.Status {
	list, err := s.nodes.usable(ctx)
	if err != nil {
		return nil
	}
	return list[0].known().status
}

// Synced implements api.Service. It waits until one node is in sync.
func (s *Service) Synced(ctx context.Context, timeout time.Duration) (*api.SyncStatus, error) {
	if err := api.CheckTimeout(timeout); err != nil {
		return nil, err
	}
	status, n, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.SyncStatus, error) { return n.Synced(ctx, timeout) })
	if err == nil && n != nil {
		s.nodes.check(ctx, n)
	}
	return status, err
}

// show tells of each node how it is.
func (ns *nodes) show() []api.ProxyNode {
	list := make([]api.ProxyNode, len(ns.list))
	for i, n := range ns.list {
		list[i] = n.show()
	}
	return list
}

func (n *node) show() api.ProxyNode {
	known := n.known()
	out := api.ProxyNode{
		Address: n.address, State: known.state, Since: api.Millis(known.since), Checked: api.Millis(known.checked),
		LatencyMS: float64(known.took.Microseconds()) / 1000, Differed: api.Millis(known.differed),
	}
	if known.problem != nil {
		out.Problem = known.problem.Error()
	}
	if known.lied != nil {
		out.Lied = known.lied.Error()
	}
	if known.status != nil {
		out.Attached, out.Version, out.Peer = known.status.Storage.Attached, known.status.Version, known.status.Peer
	}
	return out
}

// tryToken finds out whether a node takes records from this proxy, by handing in what is none.
func (n *node) tryToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err := n.client.Submit(ctx, []byte{0})
	state, problem := stateOf(err)
	var e *api.Error
	switch {
	case state == api.NodeRefuses && n.token == "":
		return api.TokenNone, problem
	case state == api.NodeRefuses:
		return api.TokenRefused, problem
	case errors.As(err, &e):
		return api.TokenAccepted, nil
	}
	return "", problem
}
