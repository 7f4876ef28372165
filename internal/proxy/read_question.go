package proxy

import (
	"context"
	"slices"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// question is a query of a client's, and what a proxy asks nodes because of it.
type question struct {
	api.Query // as the client asked, with all names derived
	network   *protocol.Network
	records   *checkedRecords
	// opens tells that the client wants plain values: by the names that it gave, or by the mask.
	names []protocol.NameKey
	mask  *protocol.Mask
}

// question derives the names of a query, so that nodes learn none.
func (s *Service) question(ctx context.Context, q api.Query) (*question, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if err := q.CheckAlive(s.config.Network); err != nil {
		return nil, err
	}
	if _, err := q.ParseAuthorities(); err != nil {
		return nil, err
	}
	u := &question{Query: q, network: s.config.Network, records: s.records}
	whom, _ := s.trust.Effective() // the nodes may go by others; the log says what is wrong
	if len(u.Policy) == 0 {
		u.Policy = whom.Policy
	}
	u.Policy = u.Policy.Total()
	if u.Oracles == nil {
		u.Oracles = whom.Oracles
	}
	u.Oracles = distinct(u.Oracles)
	var err error
	if q.Decrypt && q.MaskingKey != "" {
		mask, err := s.names.Mask(ctx, q.MaskingKey)
		if err != nil {
			return nil, err
		}
		u.mask = &mask
	}
	if q.Keys == nil {
		if u.Selectors, err = s.keyed(ctx, q.Selectors, u); err != nil {
			return nil, err
		}
		_, err = u.Position()
		return u, err
	}
	u.Keys = slices.Clone(q.Keys)
	for i := range u.Keys {
		if u.Keys[i], err = s.keyed(ctx, u.Keys[i], u); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// keyed returns selectors with the keys of their names, which the question notes.
func (s *Service) keyed(ctx context.Context, selectors []api.SelectorRange, u *question) ([]api.SelectorRange, error) {
	keyed, names, err := s.names.Keyed(ctx, selectors)
	u.names = append(u.names, names...)
	return keyed, err
}

// toNode is what a node is asked. For a close comparison it also lists and explains all claims.
func (u *question) toNode(closely bool) api.Query {
	q := u.Query
	q.Frames, q.Decrypt, q.MaskingKey, q.Alive = true, false, "", 0
	if closely || q.Explain {
		q.History, q.Explain = true, true
	}
	return q
}

// ranges are the selectors that an answer must meet.
func (u *question) ranges(asked int) []api.SelectorRange {
	if u.Keys != nil {
		return u.Keys[asked]
	}
	return u.Selectors
}

// contested reports whether oracles or certificates may have decided about the answer to one key,
// and the node was not asked to explain it.
func (u *question) contested(v *view) bool {
	if !u.exact() || len(v.answers) != 1 || v.answers[0].total < 2 || v.answers[0].standings != nil {
		return false
	}
	return len(u.Oracles) > 0 && slices.Contains(u.Policy, protocol.CriterionOracles) ||
		len(u.network.Authorities())+len(u.Authorities) > 0 && slices.Contains(u.Policy, protocol.CriterionCertified)
}

// exact reports whether the question is about one key with one ordinal for each selector.
func (u *question) exact() bool {
	return u.Keys == nil && !u.Open && !slices.ContainsFunc(u.Selectors, func(s api.SelectorRange) bool { return !s.Point() })
}

// show fills in the plain value of a version, where the client asked for it and it can be opened.
func (u *question) show(v *api.Version, r *protocol.Record) {
	if !u.Decrypt || r.Value == nil || !r.HasValue() {
		return
	}
	if plain, ok := lf.Unseal(u.network, r, u.names, u.mask); ok {
		v.SetPlain(plain)
	} else {
		v.Sealed = true
	}
}
