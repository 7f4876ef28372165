package apitest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Query implements api.Service by looking at every record.
func (f *Fake) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if err := q.CheckAlive(f.network); err != nil {
		return nil, err
	}
	if q.Keys != nil {
		return f.queryKeys(ctx, q)
	}
	masks, err := f.resolve(&q)
	if err != nil {
		return nil, err
	}
	if _, err := q.Position(); err != nil {
		return nil, err
	}
	older, err := q.HistoryPosition()
	if err != nil {
		return nil, err
	}
	if older != nil {
		q.Owners = []protocol.Owner{older.Owner}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settle()
	found := map[protocol.CompositeID]*group{}
	for _, e := range f.records {
		f.collect(q, e, found)
	}
	ranking, err := f.ranking(&q)
	if err != nil {
		return nil, err
	}
	result := &api.QueryResult{Answers: []api.Answer{}, Policy: ranking.policy, Oracles: ranking.oracles}
	for _, g := range slices.SortedFunc(maps.Values(found), (*group).compare) {
		if a, ok := f.answer(&q, g, ranking, masks); ok {
			result.Answers = append(result.Answers, a)
		}
	}
	f.page(&q, result)
	result.LeaveOutLapsed(q.Alive)
	return result, ctx.Err()
}

// page cuts the answers before and after the query's page.
func (f *Fake) page(q *api.Query, result *api.QueryResult) {
	place := func(a *api.Answer) api.Position {
		p := api.Position{Ordinals: a.Ordinals}
		copy(p.Prefix[:], a.Composite[:])
		return p
	}
	if after, _ := q.Position(); after != nil {
		result.Answers = slices.DeleteFunc(result.Answers, func(a api.Answer) bool {
			at := place(&a)
			return cmp.Or(slices.Compare(at.Ordinals, after.Ordinals), bytes.Compare(at.Prefix[:], after.Prefix[:])) <= 0
		})
	}
	if limit := cmp.Or(q.Limit, api.DefaultLimit); q.Keys == nil && len(result.Answers) > limit {
		result.Answers = result.Answers[:limit]
		result.Next = q.Cursor(place(&result.Answers[limit-1]))
	}
	if !q.Frames {
		for i := range result.Answers {
			result.Answers[i].Composite = nil
		}
	}
}

// queryKeys answers for each of the query's keys.
func (f *Fake) queryKeys(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	all := &api.QueryResult{Answers: []api.Answer{}}
	for i, key := range q.Keys {
		one := q
		one.Keys, one.Selectors = nil, key
		result, err := f.Query(ctx, one)
		if err != nil {
			return nil, err
		}
		for _, a := range result.Answers {
			a.Asked = &i
			all.Answers = append(all.Answers, a)
		}
		all.Policy, all.Oracles = result.Policy, result.Oracles
		all.Lapsed += result.Lapsed
	}
	return all, nil
}

// resolve derives the keys of a query's names and the masks that may open what it finds.
func (f *Fake) resolve(q *api.Query) ([]protocol.Mask, error) {
	var masks []protocol.Mask
	q.Selectors = slices.Clone(q.Selectors)
	for i, s := range q.Selectors {
		if s.Name == "" {
			continue
		}
		name, err := f.names.Derive(s.Name)
		if err != nil {
			return nil, err
		}
		key := name.Selector()
		q.Selectors[i].Key, masks = &key, append(masks, name.Mask())
	}
	switch m := f.mask(q.MaskingKey); {
	case !q.Decrypt:
		return nil, nil
	case m != nil:
		return []protocol.Mask{*m}, nil
	}
	return masks, nil
}

// group is what was found under one composite key.
type group struct {
	composite protocol.CompositeID
	ordinals  []uint64
	versions  map[protocol.Owner][]*entry
}

func (g *group) compare(o *group) int {
	return cmp.Or(slices.Compare(g.ordinals, o.ordinals), bytes.Compare(g.composite[:], o.composite[:]))
}

func (f *Fake) collect(q api.Query, e *entry, found map[protocol.CompositeID]*group) {
	if e.state != api.StateAttached || (e.Type != protocol.TypeDatum && e.Type != protocol.TypeRelease) ||
		e.Timestamp < q.Since || (q.Until != 0 && e.Timestamp > q.Until) ||
		(len(q.Owners) > 0 && !slices.Contains(q.Owners, e.Owner)) {
		return
	}
	ordinals := match(q.Selectors, e.Selectors)
	if ordinals == nil || (!q.Open && len(e.Selectors) != len(q.Selectors)) {
		return
	}
	id := e.CompositeID()
	if found[id] == nil {
		found[id] = &group{id, ordinals, map[protocol.Owner][]*entry{}}
	}
	found[id].versions[e.Owner] = append(found[id].versions[e.Owner], e)
}

// match gives every range a selector of its own, and returns their ordinals; nil if there is no way
// to.
func match(ranges []api.SelectorRange, selectors []protocol.Selector) []uint64 {
	if len(ranges) == 0 {
		return []uint64{}
	}
	for i, s := range selectors {
		if r := ranges[0]; s.Key != *r.Key || s.Ordinal < uint64(r.From) || s.Ordinal > uint64(r.To) {
			continue
		}
		if rest := match(ranges[1:], slices.Delete(slices.Clone(selectors), i, i+1)); rest != nil {
			return append([]uint64{s.Ordinal}, rest...)
		}
	}
	return nil
}

// answer ranks the claims. Versions up to a release do not count.
func (f *Fake) answer(q *api.Query, g *group, r *ranking, masks []protocol.Mask) (api.Answer, bool) {
	var claims []*claim
	for _, versions := range g.versions {
		versions = slices.DeleteFunc(versions, r.certificates.isHidden)
		slices.SortFunc(versions, newest)
		released := slices.IndexFunc(versions, func(e *entry) bool { return e.Type == protocol.TypeRelease })
		if released >= 0 {
			versions = versions[:released]
		}
		if len(versions) > 0 {
			claims = append(claims, &claim{versions: versions})
		}
	}
	if len(claims) == 0 {
		return api.Answer{}, false
	}
	r.rank(g.composite, claims)
	winner := claims[0].versions
	show := func(e *entry) api.Version {
		v := f.open(e, masks)
		if q.Frames {
			v.Frame, v.Weight, v.Index = e.EncodeFrame(), api.Uint64(weight(r.children, e)), api.Uint64(e.index)
		}
		return v
	}
	a := api.Answer{Composite: &g.composite, Ordinals: g.ordinals, Claims: len(claims), Version: show(winner[0]), Alive: f.alive(g.composite, winner)}
	if q.History {
		f.showHistory(q, g, &a, winner, show)
		for _, other := range claims[1:] {
			a.Others = append(a.Others, show(other.versions[0]))
		}
	}
	if q.Explain {
		a.Explanation = r.explain(claims)
	}
	return a, true
}

// showHistory lists a page of older versions.
func (f *Fake) showHistory(q *api.Query, g *group, a *api.Answer, versions []*entry, show func(*entry) api.Version) {
	older := versions[1:]
	if at, err := q.HistoryPosition(); err == nil && at != nil {
		last := slices.IndexFunc(versions, func(e *entry) bool { return e.Timestamp == at.Timestamp && positionOf(e).Prefix == at.Prefix })
		older = versions[last+1:]
	}
	for i, e := range older {
		if i == api.MaxHistory {
			p := positionOf(older[i-1])
			a.HistoryNext = api.HistoryCursor(g.composite, api.HistoryPosition{Owner: e.Owner, Timestamp: p.Timestamp, Prefix: p.Prefix})
			return
		}
		a.History = append(a.History, show(e))
	}
}

// open shows a record, with its value where a mask fits.
func (f *Fake) open(e *entry, masks []protocol.Mask) api.Version {
	v := api.Version{Record: e.ID(), Owner: e.Owner, Time: e.Timestamp, Deleted: e.Tombstone()}
	for _, m := range masks {
		if plain, err := f.network.Open(m, e.SealingOf(), e.ValueBytes()); err == nil {
			v.SetPlain(plain)
			return v
		}
	}
	v.Sealed = masks != nil && e.Value != nil
	return v
}

func (e *entry) info() api.RecordInfo {
	info := api.RecordInfo{
		ID: e.ID(), Type: e.Type.String(), Owner: e.Owner, Timestamp: e.Timestamp, Links: e.Links, Effort: e.Effort(),
		Index: api.Uint64(e.index), State: e.state, Frame: e.EncodeFrame(),
	}
	for _, s := range e.Selectors {
		info.Selectors = append(info.Selectors, api.SelectorInfo{Key: s.Key, Ordinal: api.Uint64(s.Ordinal)})
	}
	return info
}
