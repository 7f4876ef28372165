package testbed

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/node/api"
)

// Loopback has all nodes on 127.0.0.1. The nodes cut links themselves: both ends refuse each other.
// A hostile node refuses nobody, so its links are cut at the honest end alone.
type Loopback struct {
	mu       sync.Mutex
	reserved []*reservation
}

// NewLoopback returns a fabric that needs no privileges.
func NewLoopback() *Loopback { return new(Loopback) }

// Prepare reserves a port for each node, which stays its own while it is down.
func (l *Loopback) Prepare(_ context.Context, s *Scenario) ([]Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	places := make([]Place, len(s.Nodes))
	for i, n := range s.Nodes {
		places[i] = Place{APIListen: "127.0.0.1:0", Profile: "local"}
		if n.Via != "" {
			continue
		}
		r, err := reservePort()
		if err != nil {
			return nil, fmt.Errorf("a port for %s: %w", n.Name, err)
		}
		l.reserved = append(l.reserved, r)
		places[i].Listen = []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", r.port)}
		places[i].At = places[i].Listen
	}
	return places, nil
}

// Cut has every node refuse the peers that it is cut off from.
func (l *Loopback) Cut(ctx context.Context, cuts []Cut, nodes []LinkedNode) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, m := range nodes {
		if m.API == nil {
			continue
		}
		group.Go(func() error {
			if _, err := m.API.SetLinks(ctx, api.TestbedLinks{Blocked: blockedAt(m, cuts, nodes)}); err != nil {
				return fmt.Errorf("cut the links of %s: %w", m.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// blockedAt is which links a node blocks, and in which direction.
func blockedAt(m LinkedNode, cuts []Cut, nodes []LinkedNode) []api.BlockedLink {
	blocked := []api.BlockedLink{}
	for _, o := range nodes {
		var in, out bool
		for _, c := range cuts {
			in = in || c == (Cut{o.Name, m.Name})
			out = out || c == (Cut{m.Name, o.Name})
		}
		switch {
		case in && out:
			blocked = append(blocked, api.BlockedLink{Peer: o.Peer, Direction: api.BlockBoth})
		case in:
			blocked = append(blocked, api.BlockedLink{Peer: o.Peer, Direction: api.BlockIn})
		case out:
			blocked = append(blocked, api.BlockedLink{Peer: o.Peer, Direction: api.BlockOut})
		}
	}
	return blocked
}

// Move is for a fabric with routers.
func (*Loopback) Move(context.Context, string, string) error { return errNoRouters }

// Close gives the ports back.
func (l *Loopback) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, r := range l.reserved {
		errs = append(errs, r.release())
	}
	l.reserved = nil
	return errors.Join(errs...)
}
