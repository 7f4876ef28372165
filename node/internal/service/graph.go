package service

import (
	"context"
	"errors"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/store"
)

var _ api.Graph = (*Service)(nil)

// Around implements api.Graph.
func (s *Service) Around(ctx context.Context, q api.AroundQuery) (*api.Surroundings, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	steps, limit := q.Bounds()
	list, more, err := s.config.Store.Around(ctx, q.Record, steps, limit)
	if errors.Is(err, store.ErrNotFound) {
		return nil, s.notAttached(ctx, q)
	}
	if err != nil {
		return nil, Failure(err)
	}
	out := &api.Surroundings{Records: make([]api.GraphRecord, len(list)), More: more}
	for i := range list {
		out.Records[i] = graphRecord(&list[i])
	}
	return out, nil
}

// notAttached says why a record has no place in the graph.
func (s *Service) notAttached(ctx context.Context, q api.AroundQuery) error {
	info, err := s.Record(ctx, q.Record)
	if err != nil {
		return err
	}
	return api.Conflict("record %s is %s: it has a place in the graph once it is attached", q.Record, info.State)
}

func graphRecord(n *store.Neighbor) api.GraphRecord {
	out := api.GraphRecord{ID: n.ID, Step: n.Step, Weight: api.Uint64(n.Weight), Index: api.Uint64(n.Index), Main: n.Main, Merges: n.Merges}
	if n.Damaged != nil {
		out.Error = api.ErrorDamaged
		return out
	}
	r := n.Record
	out.Type, out.Owner, out.Timestamp, out.Effort, out.Links = r.Type.String(), r.Owner, r.Timestamp, r.Effort(), r.Links
	return out
}
