package lfsync

import (
	"context"
	"errors"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/stream"
)

// pushNode shows a Sync to package push. What is pushed is treated like gossip.
type pushNode struct{ sync *Sync }

// relayedPusher pushes to the peers that are connected over a relay.
type relayedPusher struct {
	*push.Pusher
	host host.Host
}

func newPusher(s *Sync, c Config, streams stream.Config) participant {
	s.pushes = push.New(push.Config{Self: selfOf(c.Host), Dialer: s.dialer, Node: pushNode{s}, Group: streams.Group, Log: c.Logger})
	return relayedPusher{s.pushes, c.Host}
}

// Meet implements meeter.
func (u relayedPusher) Meet(p peer.ID, speaks bool) {
	u.Pusher.Meet(p, speaks && u.host.Network().Connectedness(p) == network.Limited)
}

// Unknown implements push.Node, as do the other methods.
func (n pushNode) Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error) {
	var open []protocol.ID
	for _, id := range n.sync.admission.mayBeValid(ids) {
		if !n.sync.admission.isAttached(id) {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	return n.sync.store.Unknown(ctx, open)
}

// Admit takes a record in and forwards it if gossip would.
func (n pushNode) Admit(ctx context.Context, r *protocol.Record, from peer.ID) (again bool, err error) {
	in, err := n.sync.admission.admit(ctx, r, Source{Via: ViaPush, Peer: from})
	switch n.sync.admission.verdict(in, err) {
	case pubsub.ValidationReject:
		return false, penalty.Violates("%v", err)
	case pubsub.ValidationAccept:
		n.sync.forward(ctx, r.ID(), r.EncodeFrame(), from)
	case pubsub.ValidationIgnore:
		return in.Outcome != Refused && !errors.Is(err, protocol.ErrTooFarAhead), nil
	}
	return true, nil
}

// IsUnforwarded reports whether a record came in and was not forwarded.
func (n pushNode) IsUnforwarded(id protocol.ID) bool {
	a, ok := n.sync.admission.recent.Peek(id)
	return ok && a.unforwarded.Load()
}

// ForwardKnown forwards a record that was not, if gossip would forward a copy of it now.
func (n pushNode) ForwardKnown(ctx context.Context, id protocol.ID, from peer.ID) error {
	r, ok, err := n.sync.store.Record(ctx, id)
	switch {
	case errors.Is(err, ErrDamaged):
	case err != nil:
		return fmt.Errorf("read record %s: %w", id, err)
	case ok && r.HasValue() && n.sync.admission.claimForward(r):
		n.sync.forward(ctx, id, r.EncodeFrame(), from)
	}
	return nil
}
