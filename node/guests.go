package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"
)

// watchGuests keeps the number of guests within its bound: during a round the longest connected go
// first, which the DHT has asked already; between rounds those stay that are of use.
func (r *rendezvous) watchGuests(ctx context.Context) {
	for ctx.Err() == nil {
		keep := 0
		switch {
		case r.looking.Load():
			keep = guestsMost
		case r.wanted():
			keep = guestsWanted
		}
		r.partWithGuests(keep)
		sleep(ctx, guestGrace/10)
	}
}

// partWithGuests closes the connections with all guests but so many. Those that relay stay longest,
// then those that came last.
func (r *rendezvous) partWithGuests(keep int) {
	guests := r.guests()
	for _, g := range guests[:max(len(guests)-keep, 0)] {
		_ = r.host.Network().ClosePeer(g.id) // it may be gone already
	}
}

// dhtTag protects the peers in a DHT's routing table. That of the public DHT, which lasts for a
// round, leaves it behind; peers of the network's own DHT are no guests.
const dhtTag = "kbucket"

type guest struct {
	id     peer.ID
	relays bool
	since  time.Time
}

// guests are the peers that this node dialed, that are not of its network and that nothing in it
// holds on to, those to part with first at the front. Who dialed this node is none: it may be
// relayed for.
func (r *rendezvous) guests() (list []guest) {
	now := time.Now()
	for _, p := range r.host.Network().Peers() {
		conns := r.host.Network().ConnsToPeer(p)
		if len(conns) == 0 || r.speaks(p) || r.host.ConnManager().Unprotect(p, dhtTag) {
			continue
		}
		if !slices.ContainsFunc(conns, func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound }) {
			continue
		}
		opened := slices.MaxFunc(conns, func(a, b network.Conn) int { return a.Stat().Opened.Compare(b.Stat().Opened) }).Stat().Opened
		if now.Sub(opened) < guestGrace {
			continue
		}
		relays, err := r.host.Peerstore().SupportsProtocols(p, proto.ProtoIDv2Hop)
		list = append(list, guest{p, err == nil && len(relays) > 0, opened})
	}
	slices.SortFunc(list, func(a, b guest) int {
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
	ip, isIP := ipOf(a)
	return isCircuit(a) || !isIP || isPublic(ip)
}
