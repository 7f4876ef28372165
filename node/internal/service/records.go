package service

import (
	"context"
	"errors"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Record implements api.Service.
func (s *Service) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	r, info, err := s.config.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.NotFound("record %s is not here", id)
	}
	if err != nil {
		return nil, Failure(err)
	}
	out := recordInfo(r, info.Index, info.Weight)
	out.Hidden = info.Hidden
	out.State = info.State.String()
	return &out, nil
}

// recordInfo shows an attached record.
func recordInfo(r *protocol.Record, index, weight uint64) api.RecordInfo {
	info := api.RecordInfo{
		ID: r.ID(), Type: r.Type.String(), Owner: r.Owner, Timestamp: r.Timestamp, Links: r.Links,
		Effort: r.Effort(), Weight: api.Uint64(weight), Index: api.Uint64(index), State: lfsync.Attached.String(), Frame: r.EncodeFrame(),
	}
	for _, sel := range r.Selectors {
		info.Selectors = append(info.Selectors, api.SelectorInfo{Key: sel.Key, Ordinal: api.Uint64(sel.Ordinal)})
	}
	return info
}

// Submit implements api.Service.
func (s *Service) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	in, err := s.config.Sync.Submit(ctx, frame)
	if err != nil {
		return nil, Failure(err)
	}
	if in.Outcome == lfsync.Refused {
		return nil, Failure(in.Err)
	}
	return &api.Submitted{
		ID: in.Record.ID(), Owner: in.Record.Owner, Timestamp: in.Record.Timestamp,
		State: in.State.String(), Known: in.Outcome == lfsync.Known, Superseded: s.superseded(ctx, in), Index: api.Uint64(in.Index),
	}, nil
}

// superseded reports whether a record that was handed in is not its owner's answer. The record is
// on disk already, so not to know is no failure.
func (s *Service) superseded(ctx context.Context, in lfsync.Ingested) bool {
	if in.State != store.Attached || len(in.Record.Selectors) == 0 {
		return false
	}
	superseded, err := s.config.Store.Superseded(ctx, in.Record)
	if err != nil {
		s.log.Debug("whether a record is the newest is not known", "record", in.Record.ID(), "error", err)
	}
	return superseded
}
