package service

import (
	"context"
	"errors"

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
	newest, err := s.tellNewest(ctx, q)
	if err != nil {
		return nil, Failure(err)
	}
	return &api.Links{Links: links.IDs, Timestamp: links.Newest, Now: now, Certified: links.Certified, Newest: newest}, nil
}

// tellNewest returns when the owner's newest record was made. It is nil where nobody asks, and
// where that record is damaged.
func (s *Service) tellNewest(ctx context.Context, q api.LinksQuery) (*uint64, error) {
	if len(q.Selectors) == 0 {
		return nil, nil
	}
	at, err := s.config.Store.Newest(ctx, *q.Owner, q.Selectors)
	if damaged := (*store.DamagedError)(nil); errors.As(err, &damaged) {
		return nil, nil
	}
	return &at, err
}
