package service

import (
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Query implements api.Service.
func (s *Service) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	authorities, err := q.ParseAuthorities()
	if err != nil {
		return nil, err
	}
	trust := s.resolveTrust(&q)
	sq := store.Query{
		Open: q.Open, Owners: q.Owners, Since: q.Since, Until: q.Until, History: q.History, Limit: cmp.Or(q.Limit, api.DefaultLimit),
		Policy: trust.policy, Oracles: trust.oracles, Authorities: authorities, Explain: q.Explain,
	}
	opener, err := s.where(ctx, &q, &sq)
	if err != nil {
		return nil, Failure(err)
	}
	found, err := s.config.Store.Query(ctx, sq)
	if err != nil {
		return nil, Failure(err)
	}
	res := &api.QueryResult{Answers: make([]api.Answer, len(found.Keys)), More: found.More, Policy: trust.policy, Oracles: trust.oracles}
	for i := range found.Keys {
		res.Answers[i] = opener.answer(&found.Keys[i], q.History)
		if q.Explain && found.Keys[i].Damaged == nil {
			res.Answers[i].Explanation = explain(&found.Keys[i], trust.policy)
		}
	}
	return res, nil
}

// resolveTrust returns what a query goes by: what it says itself, and where it does not, what the
// node's user has chosen.
func (s *Service) resolveTrust(q *api.Query) effectiveTrust {
	// What is wrong with the file is in the log and in the status.
	b, _ := s.config.Trust.effective()
	s.config.Store.Elect(b.oracles)
	if len(q.Policy) > 0 {
		b.policy = q.Policy.Total()
	}
	if q.Oracles != nil { // an empty list is one
		b.oracles = distinct(q.Oracles)
	}
	return b
}

// distinct drops what is there twice, so that nobody's word counts twice.
func distinct(oracles []protocol.Owner) []protocol.Owner {
	var list []protocol.Owner
	for _, o := range oracles {
		if !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	return list
}

// where fills in the store's selector ranges. It returns what opens the values, with the names and
// the masking key of the query if the query asks for plain values.
func (s *Service) where(ctx context.Context, q *api.Query, sq *store.Query) (*opener, error) {
	o := &opener{network: s.config.Network, decrypt: q.Decrypt}
	for _, r := range q.Selectors {
		w := store.Range{From: r.From, To: r.To}
		if r.Key != nil {
			w.Key = *r.Key
		} else {
			name, err := s.names.derive(ctx, r.Name)
			if err != nil {
				return nil, err
			}
			w.Key = name.Selector()
			o.names = append(o.names, name)
		}
		sq.Where = append(sq.Where, w)
	}
	if q.Decrypt && q.MaskingKey != "" {
		mask, err := s.names.mask(ctx, q.MaskingKey)
		if err != nil {
			return nil, err
		}
		o.mask = &mask
	}
	return o, nil
}

// opener turns the store's answers into the API's and opens the values in them.
type opener struct {
	network *protocol.Network
	decrypt bool
	names   []protocol.NameKey
	mask    *protocol.Mask
}

func (o *opener) answer(a *store.Answer, history bool) api.Answer {
	if a.Damaged != nil {
		return api.Answer{Composite: a.Composite, Ordinals: a.Ordinals, Record: damagedInfo(a.Damaged)}
	}
	best := &a.Claims[0]
	out := api.Answer{
		Composite: a.Composite, Ordinals: a.Ordinals, Deleted: best.Record.Tombstone(), Claims: a.Total,
		Record: o.version(best.Version),
	}
	if !history {
		return out // an explanation lists the claims too
	}
	for _, v := range best.Older {
		out.History = append(out.History, o.version(v))
	}
	for i := 1; i < len(a.Claims); i++ {
		out.Others = append(out.Others, o.version(a.Claims[i].Version))
	}
	return out
}

// explain tells how the claims stand, as the store has ranked them.
func explain(a *store.Answer, policy protocol.Policy) *api.Explanation {
	e := &api.Explanation{Policy: policy, Claims: make([]api.ClaimInfo, len(a.Claims))}
	if len(a.Claims) > 1 {
		e.Decided = a.Claims[1].LostBy
	}
	for i := range a.Claims {
		c := &a.Claims[i]
		e.Claims[i] = api.ClaimInfo{
			Owner: c.Owner, Record: c.Record.ID(), Deleted: c.Record.Tombstone(), Standing: c.Standing,
			Authority: c.Authority, Seen: c.Seen, LostBy: c.LostBy,
		}
	}
	return e
}

func (o *opener) version(v store.Version) api.RecordInfo {
	if v.Damaged != nil {
		info := damagedInfo(v.Damaged)
		info.Timestamp, info.Weight = v.Time(), v.Weight
		return info
	}
	info := recordInfo(v.Record, v.Index, v.Weight)
	if !o.decrypt || v.Record.Value == nil {
		return info
	}
	plain, ok := o.open(v.Record)
	if !ok {
		info.Sealed = true
		return info
	}
	info.Value = plain
	if utf8.Valid(plain) {
		text := string(plain)
		info.Text = &text
	}
	return info
}

// open tries the masking key, then the name among those asked for that is the record's primary
// selector.
func (o *opener) open(r *protocol.Record) ([]byte, bool) {
	if o.mask != nil {
		if plain, err := o.network.Open(*o.mask, r.SealingOf(), r.ValueBytes()); err == nil {
			return plain, true
		}
	}
	for _, name := range o.names {
		if name.Selector() != r.Selectors[0].Key {
			continue
		}
		plain, err := o.network.Open(name.Mask(), r.SealingOf(), r.ValueBytes())
		return plain, err == nil
	}
	return nil, false
}
