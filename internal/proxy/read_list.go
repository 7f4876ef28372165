package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Records implements api.Service. A record counts where most nodes list it.
func (s *Service) Records(ctx context.Context, q api.RecordsQuery) (*api.RecordList, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if _, err := q.Position(); err != nil {
		return nil, err
	}
	asked := q
	asked.Frames = true
	d, err := decide(ctx, s, matter[*api.RecordList]{
		ask:        func(ctx context.Context, n *node) (*api.RecordList, error) { return n.client.Records(ctx, asked) },
		check:      func(list *api.RecordList) error { return s.checkList(list, &q) },
		difference: differentLists,
	})
	if err != nil {
		return nil, err
	}
	first := d.opinions[0].says
	list := &api.RecordList{Records: slices.Clone(first.Records), Next: first.Next, Comparison: d.Comparison}
	if !d.agreed {
		list.Records, list.Next = uniteLists(d.opinions, &q)
	}
	for i := range list.Records {
		list.Records[i].Weight = listedWeight(d.opinions, list.Records[i].ID)
		if !q.Frames {
			list.Records[i].Frame = nil
		}
	}
	return list, nil
}

// checkList checks each record of a page, and that none comes twice or out of order.
func (s *Service) checkList(list *api.RecordList, q *api.RecordsQuery) error {
	if len(list.Records) > q.Count() || list.Next != "" && len(list.Records) == 0 {
		return fmt.Errorf("a page of %d records, where at most %d were asked for", len(list.Records), q.Count())
	}
	seen := make(map[protocol.ID]bool, len(list.Records))
	for i := range list.Records {
		info := &list.Records[i]
		switch {
		case info.Error != "":
			return fmt.Errorf("its disk damaged record %s", info.ID)
		case seen[info.ID]:
			return fmt.Errorf("it lists record %s twice", info.ID)
		}
		seen[info.ID] = true
		if err := s.checkInfo(&info.RecordInfo, info.ID); err != nil {
			return err
		}
		switch {
		case info.Owner != q.Owner:
			return forged("record %s is one of %s", info.ID, info.Owner)
		case i > 0 && info.Timestamp > list.Records[i-1].Timestamp:
			return errors.New("its list is not in order")
		case info.State != api.StateAttached:
			return fmt.Errorf("it lists record %s, which is %s", info.ID, info.State)
		}
	}
	return nil
}

func differentLists(a, b *api.RecordList) string {
	for i := range max(len(a.Records), len(b.Records)) {
		switch {
		case i >= len(a.Records):
			return fmt.Sprintf("it does not list record %s", b.Records[i].ID)
		case i >= len(b.Records):
			return fmt.Sprintf("it lists record %s, which the others do not", a.Records[i].ID)
		case a.Records[i].ID != b.Records[i].ID:
			return fmt.Sprintf("it lists record %s where the others list %s", a.Records[i].ID, b.Records[i].ID)
		}
		if text := differentInfo(&a.Records[i].RecordInfo, &b.Records[i].RecordInfo); text != "" {
			return text
		}
	}
	if a.Next != b.Next {
		return "its list ends elsewhere"
	}
	return ""
}

// uniteLists lists what most nodes list, up to where the shortest page ends.
func uniteLists(opinions []opinion[*api.RecordList], q *api.RecordsQuery) (records []api.ListedRecord, next string) {
	var end *api.ListedRecord
	votes := map[protocol.ID]int{}
	for _, o := range opinions {
		for i := range o.says.Records {
			r := &o.says.Records[i]
			if votes[r.ID]++; votes[r.ID] == majority(len(opinions)) {
				records = append(records, *r)
			}
		}
		if o.says.Next == "" {
			continue
		}
		if last := &o.says.Records[len(o.says.Records)-1]; end == nil || last.Timestamp > end.Timestamp {
			end = last
		}
	}
	slices.SortStableFunc(records, func(a, b api.ListedRecord) int {
		if a.Timestamp != b.Timestamp {
			return int(min(max(int64(b.Timestamp)-int64(a.Timestamp), -1), 1)) // at most 2^53-1
		}
		return a.ID.Compare(b.ID)
	})
	if end == nil {
		return records, ""
	}
	records = slices.DeleteFunc(records, func(r api.ListedRecord) bool { return r.Timestamp < end.Timestamp })
	at := api.RecordPosition{Timestamp: end.Timestamp}
	copy(at.Prefix[:], end.ID[:])
	return records, q.Cursor(at)
}

// listedWeight is what most nodes say that a record weighs.
func listedWeight(opinions []opinion[*api.RecordList], id protocol.ID) api.Uint64 {
	var weights []uint64
	for _, o := range opinions {
		if i := slices.IndexFunc(o.says.Records, func(r api.ListedRecord) bool { return r.ID == id }); i >= 0 {
			weights = append(weights, uint64(o.says.Records[i].Weight))
		}
	}
	return api.Uint64(medianOf(weights))
}
