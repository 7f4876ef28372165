package service

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/p2p/discovery"
)

// Seeds implements api.Service.
func (s *Service) Seeds(ctx context.Context) (*api.Seeds, error) {
	p := &s.config.Peering
	out := &api.Seeds{Seeds: []api.Seed{}, Offline: s.config.Offline, Rendezvous: s.rendezvousFacts()}
	histories := map[peer.ID]p2p.DialHistory{}
	if p.Connector != nil {
		histories = p.Connector.Histories()
	}
	for _, at := range s.config.Seeds {
		out.Seeds = append(out.Seeds, s.seed(api.KindSeed, at, histories[at.ID]))
	}
	if p.Connector != nil {
		for _, at := range p.Connector.Added() {
			added := s.seed(api.KindAdded, at, histories[at.ID])
			added.Remembered = s.config.Remembered.has(at.ID)
			out.Seeds = append(out.Seeds, added)
		}
	}
	if p.Rendezvous != nil {
		out.Seeds = append(out.Seeds, p.Rendezvous.Seeds()...)
	}
	if p.Known != nil {
		out.Known = p.Known.Count()
	}
	return out, ctx.Err()
}

// seed adds to what the connector says whether a seed is of this network at all, once it had the
// time to say so.
func (s *Service) seed(kind string, at peer.AddrInfo, h p2p.DialHistory) api.Seed {
	if h.Connected && time.Since(h.Since) > discovery.PublicPeerGrace && !s.config.Host.Speaks(at.ID) {
		h.Problem = "it answers, and is no node of this network: is this the right seed?"
	}
	return h.Seed(kind, at)
}
