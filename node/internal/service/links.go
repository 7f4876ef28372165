package service

import (
	"context"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/store"
)

// Links implements api.Service.
func (s *Service) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	now := s.now()
	links, err := s.config.Store.Links(ctx, store.LinksQuery{Count: max(q.Count, int(s.config.Network.Params().MinLinks)), Now: now, Owner: q.Owner})
	if err != nil {
		return nil, Failure(err)
	}
	return &api.Links{Links: links.IDs, Timestamp: links.Newest, Now: now, Certified: links.Certified}, nil
}
