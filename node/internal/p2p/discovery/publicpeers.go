package discovery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/internal/p2p"
)

// watchPublicPeers keeps the number of public peers within its bound. It looks when a connection
// begins or ends, when a round does, and when it becomes known how others reach this node. It looks
// once more after the last of those, when nothing is too new to be judged.
func (r *Rendezvous) watchPublicPeers(ctx context.Context) error {
	events, err := r.host.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtLocalReachabilityChanged), new(event.EvtAutoRelayAddrsUpdated),
	})
	if err != nil {
		return fmt.Errorf("public peers: %w", err)
	}
	defer events.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			r.partWithPublicPeers(r.keep())
			continue
		case <-r.wake:
		case _, open := <-events.Out():
			if !open {
				return nil
			}
		}
		r.partWithPublicPeers(r.keep())
		timer.Reset(PublicPeerGrace + PublicPeerGrace/10)
	}
}

// keep is how many public peers may stay connected now.
func (r *Rendezvous) keep() int {
	switch {
	case r.looking.Load():
		return publicPeersMost
	case r.wanted():
		return publicPeersWanted
	}
	return 0
}

// partWithPublicPeers closes the connections with all public peers but keep. Those that relay stay
// longest, then those that came last: the DHT has asked the others already.
func (r *Rendezvous) partWithPublicPeers(keep int) {
	peers := r.publicPeers()
	for _, p := range peers[:max(len(peers)-keep, 0)] {
		_ = r.host.Network().ClosePeer(p.id) // it may be gone already
	}
}

type publicPeer struct {
	id     peer.ID
	relays bool
	since  time.Time
}

// publicPeers are the peers that this node dialed, that are not of its network, and that nothing in
// the node protects. The first to part with comes first. A peer that dialed this node is none: the
// node may relay for it.
func (r *Rendezvous) publicPeers() (list []publicPeer) {
	now := time.Now()
	for _, p := range r.host.Network().Peers() {
		conns := r.host.Network().ConnsToPeer(p)
		if len(conns) == 0 || r.speaks(p) || r.host.ConnManager().IsProtected(p, "") {
			continue
		}
		if !slices.ContainsFunc(conns, func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound }) {
			continue
		}
		opened := slices.MaxFunc(conns, func(a, b network.Conn) int { return a.Stat().Opened.Compare(b.Stat().Opened) }).Stat().Opened
		if now.Sub(opened) < PublicPeerGrace {
			continue
		}
		relays, err := r.host.Peerstore().SupportsProtocols(p, proto.ProtoIDv2Hop)
		list = append(list, publicPeer{p, err == nil && len(relays) > 0, opened})
	}
	slices.SortFunc(list, func(a, b publicPeer) int {
		if a.relays != b.relays {
			if b.relays {
				return -1
			}
			return 1
		}
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.id, b.id))
	})
	return list
}

// worthEntering tells which addresses of a host lead to it from elsewhere, as far as can be seen:
// those at relays, names, and public ones.
func worthEntering(a ma.Multiaddr) bool {
	ip, isIP := p2p.IPOf(a)
	return p2p.IsCircuit(a) || !isIP || p2p.IsPublic(ip)
}
