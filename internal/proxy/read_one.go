package proxy

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Record implements api.Service. What a record says is checked. Its state is what most nodes say;
// without a majority it counts as pending.
func (s *Service) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	d, err := decide(ctx, s, matter[*api.RecordInfo]{
		ask:        func(ctx context.Context, n *node) (*api.RecordInfo, error) { return n.client.Record(ctx, id) },
		check:      func(info *api.RecordInfo) error { return s.checkInfo(info, id) },
		missing:    func() *api.RecordInfo { return nil },
		difference: differentInfo,
	})
	if err != nil {
		return nil, err
	}
	info := uniteInfos(d.opinions)
	if info == nil {
		e := api.NotFound("record %s is not here", id)
		e.Comparison = d.Comparison
		return nil, e
	}
	if !d.agreed {
		info.State, info.Weight = api.StatePending, 0
	}
	info.Comparison = d.Comparison
	return info, nil
}

// checkInfo makes sure that a record is the one asked for. What is said of it is then what it says
// itself.
func (s *Service) checkInfo(info *api.RecordInfo, id protocol.ID) error {
	r, err := s.records.check(id, info.Frame)
	if err != nil {
		return err
	}
	describe(info, r)
	return nil
}

// describe fills in what a record says itself. An index is one node's.
func describe(info *api.RecordInfo, r *protocol.Record) {
	info.ID, info.Type, info.Owner, info.Timestamp, info.Links, info.Effort = r.ID(), r.Type.String(), r.Owner, r.Timestamp, r.Links, r.Effort()
	info.Index, info.Selectors = 0, nil
	for _, sel := range r.Selectors {
		info.Selectors = append(info.Selectors, api.SelectorInfo{Key: sel.Key, Ordinal: api.Uint64(sel.Ordinal)})
	}
}

func differentInfo(a, b *api.RecordInfo) string {
	switch {
	case a == nil && b == nil:
		return ""
	case a == nil:
		return fmt.Sprintf("it does not have record %s", b.ID)
	case b == nil:
		return fmt.Sprintf("it has record %s, which the others do not have", a.ID)
	case a.State != b.State:
		return fmt.Sprintf("it calls record %s %s in place of %s", a.ID, a.State, b.State)
	case a.Hidden != b.Hidden:
		return fmt.Sprintf("it calls record %s %s", a.ID, hiddenText(a.Hidden))
	case weighs(uint64(a.Weight), uint64(b.Weight)):
		return fmt.Sprintf("it gives record %s a weight of %d, in place of %d", a.ID, a.Weight, b.Weight)
	}
	return ""
}

func hiddenText(hidden bool) string {
	if hidden {
		return "hidden"
	}
	return "visible"
}

// uniteInfos unites what several nodes say of a record, nil if none has it.
func uniteInfos(opinions []opinion[*api.RecordInfo]) *api.RecordInfo {
	var out *api.RecordInfo
	var weights []uint64
	for _, o := range opinions {
		if o.says == nil {
			continue
		}
		weights = append(weights, uint64(o.says.Weight))
		if out == nil {
			info := *o.says
			out = &info
		}
		out.Hidden = out.Hidden || o.says.Hidden // of two that differ the worse counts
	}
	if out != nil {
		out.Weight = api.Uint64(medianOf(weights))
	}
	return out
}
