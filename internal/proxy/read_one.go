package proxy

import (
	"context"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Record implements api.Service.
func (s *Service) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	info, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.RecordInfo, error) { return n.Record(ctx, id) })
	return info, err
}

// Records implements api.Service.
func (s *Service) Records(ctx context.Context, q api.RecordsQuery) (*api.RecordList, error) {
	list, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.RecordList, error) { return n.Records(ctx, q) })
	return list, err
}

// Owner implements api.Service.
func (s *Service) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	info, _, err := one(ctx, s.nodes, func(ctx context.Context, n api.Service) (*api.OwnerInfo, error) { return n.Owner(ctx, q) })
	return info, err
}
