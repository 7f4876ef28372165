package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// Peers implements api.Service.
func (s *Service) Peers(context.Context) ([]api.Peer, error) {
	peers := []api.Peer{}
	for _, id := range s.config.Host.Network().Peers() {
		if p, connected := s.peer(id); connected {
			peers = append(peers, p)
		}
	}
	slices.SortFunc(peers, func(a, b api.Peer) int { return cmp.Compare(a.ID, b.ID) })
	return peers, nil
}

func (s *Service) peer(id peer.ID) (p api.Peer, connected bool) {
	if p, connected = s.config.Host.Peer(id); !connected {
		return p, false
	}
	if k := s.config.Peering.Connector; k != nil {
		p.Seed, p.Added = k.IsSeed(id), k.IsAdded(id)
		p.Remembered = p.Added && s.config.Remembered.has(id)
	}
	if at, ok := s.config.Sync.PeerAgreement(id); ok {
		p.AgreedAt = api.Millis(at)
	}
	return p, true
}
