package service

import (
	"context"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Records implements api.Service.
func (s *Service) Records(ctx context.Context, q api.RecordsQuery) (*api.RecordList, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	after, err := q.Position()
	if err != nil {
		return nil, err
	}
	written, more, err := s.config.Store.WrittenBy(ctx, q.Owner, (*store.WrittenPosition)(after), q.Count())
	if err != nil {
		return nil, Failure(err)
	}
	list := &api.RecordList{Records: make([]api.ListedRecord, len(written))}
	for i := range written {
		if list.Records[i] = listedRecord(&written[i]); !q.Frames {
			list.Records[i].Frame = nil
		}
	}
	if more {
		list.Next = q.Cursor(api.RecordPosition(written[len(written)-1].Position()))
	}
	return list, nil
}

// listedRecord shows a record, or what is left of a damaged one.
func listedRecord(w *store.Written) (info api.ListedRecord) {
	if w.Record != nil {
		info.RecordInfo = recordInfo(w.Record, w.Index, w.Weight)
	} else {
		info.RecordInfo = api.RecordInfo{ID: w.Damaged.ID, Index: api.Uint64(w.Index), State: lfsync.Attached.String()}
	}
	if info.Hidden = w.Hidden; w.Damaged != nil {
		info.Error, info.Unavailable = api.ErrorDamaged, w.Damaged.Unavailable
	}
	return info
}
