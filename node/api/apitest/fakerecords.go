package apitest

import (
	"cmp"
	"context"
	"slices"

	"github.com/lf-store/lf/node/api"
)

// Records implements api.Service.
func (f *Fake) Records(ctx context.Context, q api.RecordsQuery) (*api.RecordList, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var written []*entry
	for _, e := range f.records {
		if e.Owner == q.Owner && e.state == api.StateAttached {
			written = append(written, e)
		}
	}
	slices.SortFunc(written, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.Timestamp, a.Timestamp), cmp.Compare(b.index, a.index))
	})
	after, err := q.Position()
	if err != nil {
		return nil, err
	}
	if after != nil {
		at := slices.IndexFunc(written, func(e *entry) bool { return e.Timestamp == after.Timestamp && positionOf(e) == *after })
		if at < 0 {
			at = len(written) - 1
		}
		written = written[at+1:]
	}
	list := &api.RecordList{Records: []api.ListedRecord{}}
	for _, e := range written[:min(len(written), q.Count())] {
		info := e.info()
		info.Weight = api.Uint64(weight(f.children(), e))
		if !q.Frames {
			info.Frame = nil
		}
		list.Records = append(list.Records, api.ListedRecord{RecordInfo: info})
	}
	if len(list.Records) < len(written) {
		list.Next = q.Cursor(positionOf(written[len(list.Records)-1]))
	}
	return list, ctx.Err()
}

func positionOf(e *entry) api.RecordPosition {
	p, id := api.RecordPosition{Timestamp: e.Timestamp}, e.ID()
	copy(p.Prefix[:], id[:])
	return p
}
