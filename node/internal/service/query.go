package service

import (
	"cmp"
	"context"
	"slices"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Query implements api.Service.
func (s *Service) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if err := q.CheckAlive(s.config.Network); err != nil {
		return nil, err
	}
	authorities, err := q.ParseAuthorities()
	if err != nil {
		return nil, err
	}
	whom := s.resolveTrust(&q)
	sq := store.Query{
		Open: q.Open, Owners: q.Owners, Since: q.Since, Until: q.Until, History: q.History,
		Policy: whom.Policy, Oracles: whom.Oracles, Authorities: authorities, Explain: q.Explain, Prove: q.Explain,
		SkipWeights: !q.Frames,
	}
	opener, err := s.where(ctx, &q, &sq)
	if err != nil {
		return nil, Failure(err)
	}
	found, err := s.config.Store.Query(ctx, sq)
	if err != nil {
		return nil, Failure(err)
	}
	res := &api.QueryResult{Answers: make([]api.Answer, len(found.Keys)), Policy: whom.Policy, Oracles: whom.Oracles}
	for i := range found.Keys {
		res.Answers[i] = opener.answer(&found.Keys[i], q.History)
		if q.Keys != nil {
			res.Answers[i].Asked = &found.Keys[i].Asked
		}
		if q.Until == 0 {
			if res.Answers[i].Alive, err = s.alive(ctx, &found.Keys[i]); err != nil {
				return nil, Failure(err)
			}
		}
		if q.Explain && found.Keys[i].Damaged == nil {
			res.Answers[i].Explanation = explain(&found.Keys[i], whom.Policy)
		}
	}
	res.LeaveOutLapsed(q.Alive)
	if found.More {
		res.Next = q.Cursor(api.Position(found.Keys[len(found.Keys)-1].Position))
	}
	return res, nil
}

// resolveTrust returns what a query goes by: what it says itself, and where it does not, what the
// node's user has chosen.
func (s *Service) resolveTrust(q *api.Query) trust.Effective {
	// What is wrong with the file is in the log and in the status.
	b, _ := s.config.Trust.Effective()
	s.config.Store.Elect(b.Oracles)
	if len(q.Policy) > 0 {
		b.Policy = q.Policy.Total()
	}
	if q.Oracles != nil { // an empty list is one
		b.Oracles = distinct(q.Oracles)
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

// where fills in what the store looks for, and the keys of the query's selectors. It returns what
// opens the values, with the names and the masking key of the query if the query asks for plain
// values.
func (s *Service) where(ctx context.Context, q *api.Query, sq *store.Query) (*opener, error) {
	o := &opener{network: s.config.Network, decrypt: q.Decrypt, frames: q.Frames}
	if q.Decrypt && q.MaskingKey != "" {
		mask, err := s.names.Mask(ctx, q.MaskingKey)
		if err != nil {
			return nil, err
		}
		o.mask = &mask
	}
	for _, key := range q.Keys {
		key, err := s.keyed(ctx, key, o)
		if err != nil {
			return nil, err
		}
		points := make([]protocol.SelectorPoint, len(key))
		for i := range key {
			points[i] = protocol.SelectorPoint{Key: *key[i].Key, Ordinal: uint64(key[i].From)}
		}
		sq.Keys = append(sq.Keys, points)
	}
	if q.Keys != nil {
		return o, nil
	}
	var err error
	if q.Selectors, err = s.keyed(ctx, q.Selectors, o); err != nil {
		return nil, err
	}
	for _, r := range q.Selectors {
		sq.Where = append(sq.Where, store.Range{Key: *r.Key, From: uint64(r.From), To: uint64(r.To)})
	}
	sq.Limit = cmp.Or(q.Limit, api.DefaultLimit)
	after, err := q.Position()
	if err != nil {
		return nil, err
	}
	if after != nil {
		sq.After = (*store.Position)(after)
	}
	older, err := q.HistoryPosition()
	if older != nil { // of this owner's claim, whichever is best by now
		sq.Owners, sq.HistoryAfter = []protocol.Owner{older.Owner}, &store.VersionPosition{Timestamp: older.Timestamp, Prefix: older.Prefix}
	}
	return o, err
}

// keyed returns selectors with the keys of their names, which the opener notes.
func (s *Service) keyed(ctx context.Context, selectors []api.SelectorRange, o *opener) ([]api.SelectorRange, error) {
	keyed, names, err := s.names.Keyed(ctx, selectors)
	if o.names == nil {
		o.names = make(map[protocol.SelectorKey]protocol.NameKey, len(names))
	}
	for _, name := range names {
		o.names[name.Selector()] = name
	}
	return keyed, err
}

// opener turns the store's answers into the API's and opens the values in them.
type opener struct {
	network *protocol.Network
	decrypt bool
	frames  bool
	names   map[protocol.SelectorKey]protocol.NameKey // those asked for
	mask    *protocol.Mask
}

func (o *opener) answer(a *store.Answer, history bool) api.Answer {
	out := api.Answer{Ordinals: a.Ordinals, Claims: a.Total}
	if o.frames {
		out.Composite = &a.Composite
	}
	if a.Damaged != nil {
		out.Version, out.Claims = o.damaged(a.Damaged), 0
		return out
	}
	best := &a.Claims[0]
	out.Version = o.version(best.Version)
	if !history {
		return out // an explanation lists the claims too
	}
	for _, v := range best.Older {
		out.History = append(out.History, o.version(v))
	}
	if best.MoreOlder {
		last := best.Older[len(best.Older)-1].Position()
		out.HistoryNext = api.HistoryCursor(a.Composite, api.HistoryPosition{Owner: best.Owner, Timestamp: last.Timestamp, Prefix: last.Prefix})
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
			Certificate: c.Proof.Certificate,
		}
		for _, w := range c.Proof.Words {
			e.Claims[i].Words = append(e.Claims[i].Words, api.SaidWord(w))
		}
		for _, r := range c.Proof.Revoked {
			e.Claims[i].Revoked = append(e.Claims[i].Revoked, api.RevokedCertificate(r))
		}
	}
	e.Reason = e.Why(protocol.Owner.String)
	return e
}

func (o *opener) version(v store.Version) api.Version {
	var out api.Version
	if v.Damaged != nil {
		out = o.damaged(v.Damaged)
		out.Time = v.Time()
	} else {
		out = o.record(v.Record, v.Index)
		o.show(&out, v.Record)
	}
	if o.frames {
		out.Weight = api.Uint64(v.Weight)
	}
	return out
}

// record shows a record without its value.
func (o *opener) record(r *protocol.Record, index uint64) api.Version {
	out := api.Version{Record: r.ID(), Owner: r.Owner, Time: r.Timestamp, Deleted: r.Tombstone()}
	if o.frames {
		out.Frame, out.Index = r.EncodeFrame(), api.Uint64(index)
	}
	return out
}

// damaged shows what is left of a damaged record.
func (o *opener) damaged(d *store.DamagedError) api.Version {
	out := api.Version{Record: d.ID}
	if d.Record != nil {
		out = o.record(d.Record, d.Index)
	}
	out.Error, out.Unavailable = api.ErrorDamaged, d.Unavailable
	return out
}

// show opens a record's value, if the query asks for it.
func (o *opener) show(out *api.Version, r *protocol.Record) {
	if !o.decrypt || r.Value == nil {
		return
	}
	if plain, ok := o.open(r); ok {
		out.SetPlain(plain)
	} else {
		out.Sealed = true
	}
}

// open tries the masking key, then the name among those asked for that is the record's primary
// selector.
func (o *opener) open(r *protocol.Record) ([]byte, bool) {
	var names []protocol.NameKey
	if name, asked := o.names[r.Selectors[0].Key]; asked {
		names = append(names, name)
	}
	return lf.Unseal(o.network, r, names, o.mask)
}
