package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// Peers implements api.Service.
func (s *Service) Peers(_ context.Context, page api.Page) (*api.PeerList, error) {
	if err := page.Check(); err != nil {
		return nil, err
	}
	after, err := api.PeerPosition(page.After)
	if err != nil {
		return nil, err
	}
	list := &api.PeerList{Peers: []api.Peer{}}
	for _, id := range s.peersAfter(after) {
		if len(list.Peers) == page.Count() {
			list.Next = api.PeerCursor(list.Peers[len(list.Peers)-1].ID)
			break
		}
		if p, connected := s.peer(id); connected {
			list.Peers = append(list.Peers, p)
		}
	}
	return list, nil
}

// peersAfter returns the connected peers whose IDs, as texts, come after one.
func (s *Service) peersAfter(after string) []peer.ID {
	ids := slices.DeleteFunc(s.config.Host.Network().Peers(), func(id peer.ID) bool { return id.String() <= after })
	slices.SortFunc(ids, func(a, b peer.ID) int { return cmp.Compare(a.String(), b.String()) })
	return ids
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
