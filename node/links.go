package node

import (
	"context"

	"github.com/lf-store/lf/node/api"
)

// Links implements api.Service.
func (s *service) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	if err := q.Check(); err != nil {
		return nil, err //nolint:wrapcheck // an *api.Error as it is
	}
	now := s.now()
	links, newest, err := s.store.Links(ctx, max(q.Count, int(s.config.Network.Params().MinLinks)), now)
	if err != nil {
		return nil, failure(err)
	}
	return &api.Links{Links: links, Timestamp: newest, Now: now}, nil
}
