package discovery

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
)

// maxFound bounds what one look for providers takes in.
const maxFound = 64

// providerDiscovery is shared by the discovery in both DHTs. Nodes of the network enter themselves
// as providers of a key, and dial the providers that they find.
type providerDiscovery struct {
	host   host.Host
	key    cid.Cid // see rendezvousKey
	speaks func(peer.ID) bool
	allow  func(peer.AddrInfo) peer.AddrInfo // keeps the addresses that may be dialed
	clone  *clone.Detector                   // is told of addresses for this node's own ID
	log    *slog.Logger
}

func newProviderDiscovery(c *Config) (providerDiscovery, error) {
	key, err := rendezvousKey(c.Network)
	return providerDiscovery{c.Host, key, c.Host.Speaks, c.Host.DialableInfo, c.Clone, c.Logger}, err
}

// peers counts those of the network that are connected, by whatever way.
func (m *providerDiscovery) peers() (n int) {
	for _, p := range m.host.Network().Peers() {
		if m.speaks(p) {
			n++
		}
	}
	return n
}

// dialAll dials found peers that are not connected yet, at most as many as most, and returns how
// many answered. It returns when found is closed and all dials have ended, which end with ctx.
func (m *providerDiscovery) dialAll(ctx context.Context, found <-chan peer.AddrInfo, most int) int {
	ctx = network.WithAllowLimitedConn(ctx, "discovery")
	room := make(chan struct{}, p2p.MaxDials)
	var met atomic.Int64
	var dials sync.WaitGroup
	for p := range found {
		p = m.allow(p)
		if p.ID == m.host.ID() {
			m.clone.Offer(clone.DHT, p.Addrs)
		}
		connected := m.speaks(p.ID) && m.host.Network().Connectedness(p.ID) != network.NotConnected
		if p.ID == m.host.ID() || len(p.Addrs) == 0 || connected || most == 0 {
			continue
		}
		most--
		room <- struct{}{}
		dials.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(ctx, p2p.DialTimeout)
			defer cancel()
			if err := m.host.Connect(ctx, p); err != nil {
				m.log.Debug("a node that was found did not answer", "peer", p.ID, "error", err)
				return
			}
			m.log.Debug("found a node", "peer", p.ID)
			met.Add(1)
		})
	}
	dials.Wait()
	return int(met.Load())
}
