package proxy

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestMinorityNeverWins lets a minority of nodes hold any records and answer anything. The proxy's
// answers are those of an honest node, page by page, and it accuses no honest node.
func TestMinorityNeverWins(t *testing.T) {
	t.Parallel()
	ca := newPropertyCA(t)
	rapid.Check(t, func(rt *rapid.T) {
		liars := rapid.IntRange(0, 2).Draw(rt, "liars")
		w := newWorldOn(t, ca.network, 1+2*max(liars, 1), func(c *Config) { c.Compare, c.Network = 5, ca.network })
		g := &generator{T: rt, world: w, owners: []owner{ownerOf(1), ownerOf(2), ownerOf(3)}, ca: ca}
		attached := g.history(rapid.IntRange(1, 25).Draw(rt, "records"), nil)
		invented := g.history(rapid.IntRange(0, 5).Draw(rt, "invented"), attached)
		order := rapid.Permutation([]int{0, 1, 2, 3, 4}[:len(w.nodes)]).Draw(rt, "order")
		honest := w.nodes[order[liars]]
		for i, at := range order {
			if i >= liars {
				w.spread(attached, w.nodes[at])
				continue
			}
			g.corrupt(w.nodes[at], append(slices.Clone(attached), invented...))
		}
		q := g.query()
		for range 30 {
			want, err := honest.Fake.Query(t.Context(), w.asHonest(q))
			if err != nil {
				rt.Fatal(err)
			}
			got, err := w.proxy.Query(t.Context(), q)
			if err != nil {
				rt.Fatal(err)
			}
			sameAnswers(rt, got, want)
			for _, d := range got.Comparison.Differs {
				if !slices.ContainsFunc(order[:liars], func(at int) bool { return w.proxy.nodes.list[at].address == d.Node }) {
					rt.Fatalf("an honest node is accused: %+v", d)
				}
			}
			if q.Limit == 0 { // otherwise its pages may be shorter
				w.tryVote(rt, q, want)
			}
			if q.After = got.Next; q.After == "" {
				return
			}
		}
		rt.Fatal("the pages do not end")
	})
}

// ownerOf is always the same owner.
func ownerOf(seed byte) owner {
	return owner{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

// tryVote unites the same views record by record, as where no majority says the same.
func (w *world) tryVote(rt *rapid.T, q api.Query, want *api.QueryResult) {
	u, err := w.proxy.question(w.Context(), q)
	if err != nil {
		rt.Fatal(err)
	}
	views, told, err := w.proxy.views(w.Context(), u, len(w.nodes), true)
	if err != nil {
		rt.Fatal(err)
	}
	got, err := w.proxy.vote(w.Context(), u, views, told)
	if err != nil {
		rt.Fatal(err)
	}
	sameAnswers(rt, got, want)
}

// generator makes up records, questions and lies.
type generator struct {
	*rapid.T
	world  *world
	owners []owner
	ca     *propertyCA
	at     uint64
}

var propertyKeys = [][]string{{"a#1"}, {"a#2"}, {"a#3"}, {"b"}, {"a#1", "b"}, {"a#2", "b"}, {"a#2", "a#3"}}

// history makes records that may link those before them.
func (g *generator) history(count int, before []*protocol.Record) (list []*protocol.Record) {
	known := slices.Clone(before)
	for range count {
		g.at += rapid.Uint64Range(0, 2).Draw(g.T, "pause")
		d := protocol.Draft{}
		by, key := rapid.SampledFrom(g.owners).Draw(g.T, "owner"), rapid.SampledFrom(propertyKeys).Draw(g.T, "key")
		switch kind := rapid.IntRange(0, 12).Draw(g.T, "kind"); {
		case kind > 9:
			by, key = g.testify(&d, by, kind), nil
		case kind == 0:
			d.Type = protocol.TypeRelease
		case kind > 1: // otherwise a tombstone
			d.Value = []byte(rapid.SampledFrom([]string{"x", "yy", ""}).Draw(g.T, "value"))
		}
		if len(known) > 0 && rapid.Bool().Draw(g.T, "linked") {
			if to := rapid.SampledFrom(known).Draw(g.T, "link"); to.Timestamp < testEpoch+1000+g.at {
				d.Links = []protocol.ID{to.ID()}
			}
		}
		r := g.world.record(by, 1000+g.at, d, key...)
		if !slices.ContainsFunc(known, func(k *protocol.Record) bool { return k.ID() == r.ID() }) {
			known, list = append(known, r), append(list, r)
		}
	}
	return list
}

// corrupt gives a node some records of its own choice, and has it answer what it likes.
func (g *generator) corrupt(n *testNode, pool []*protocol.Record) {
	for _, r := range pool {
		if rapid.IntRange(0, 3).Draw(g.T, "keeps") > 0 {
			_, _ = n.Submit(g.world.Context(), r.EncodeFrame()) // without its parents it is pending
		}
	}
	if rapid.Bool().Draw(g.T, "honest about its records") {
		return
	}
	kinds := rapid.SliceOfN(rapid.IntRange(0, 13), 1, 3).Draw(g.T, "lies")
	record := rapid.SampledFrom(pool).Draw(g.T, "named").ID()
	n.lie = func(q api.Query, a *api.QueryResult) *api.QueryResult {
		for _, kind := range kinds {
			distort(a, kind, pool)
			perjure(a, kind, q.Oracles, record)
		}
		return a
	}
	n.lieOf = func(info *api.RecordInfo) *api.RecordInfo {
		info.State, info.Hidden = api.StateAttached, false
		return info
	}
}

// distort changes an answer in one of several ways.
func distort(a *api.QueryResult, kind int, pool []*protocol.Record) {
	if len(a.Answers) == 0 {
		return
	}
	first := &a.Answers[0]
	switch kind {
	case 0:
		a.Answers = a.Answers[1:]
	case 1:
		a.Answers = a.Answers[:len(a.Answers)-1]
	case 2:
		first.Weight *= 100
	case 3:
		first.Claims += 2
	case 4:
		a.Next = ""
	case 5:
		if len(first.Others) > 0 && first.Explanation == nil {
			first.Version, first.Others[0] = first.Others[0], first.Version
		}
	case 6:
		if len(first.History) > 0 {
			first.Version, first.History = first.History[0], first.History[1:]
		}
	case 7:
		for _, r := range pool {
			if first.Composite != nil && r.CompositeID() == *first.Composite && r.Type == protocol.TypeDatum {
				first.Version = shown(r)
			}
		}
	case 8:
		if first.Explanation != nil {
			first.Explanation.Claims[0].Certified = true
			first.Explanation.Claims[0].Weight *= 100
		}
	case 9:
		first.History, first.Others, first.Claims = nil, nil, 1
		if first.Explanation != nil {
			first.Explanation.Claims, first.Explanation.Decided = first.Explanation.Claims[:1], ""
		}
	}
}

// query makes up a question.
func (g *generator) query() api.Query {
	q := api.Query{Decrypt: true}
	switch rapid.IntRange(0, 4).Draw(g.T, "question") {
	case 0:
		q.Selectors = api.MustSelectors(rapid.SampledFrom(propertyKeys).Draw(g.T, "point")...)
	case 1:
		q.Selectors = api.MustSelectors("a#")
	case 2:
		q.Selectors, q.Open = api.MustSelectors("a#"), true
	case 3:
		q.Selectors = api.MustSelectors("a#1#2", "b#")
	case 4:
		q.Keys = [][]api.SelectorRange{api.MustSelectors("a#1"), api.MustSelectors("a#2", "b"), api.MustSelectors("b")}
	}
	if q.Keys == nil {
		q.Limit = rapid.SampledFrom([]int{0, 1, 2}).Draw(g.T, "limit")
	}
	q.History, q.Frames = rapid.Bool().Draw(g.T, "history"), rapid.Bool().Draw(g.T, "frames")
	if rapid.Bool().Draw(g.T, "explain") {
		q.Explain, q.History = true, true
	}
	if rapid.Bool().Draw(g.T, "until") {
		q.Until = testEpoch + 1000 + rapid.Uint64Range(0, 30).Draw(g.T, "end")
	}
	if rapid.Bool().Draw(g.T, "of one owner") {
		q.Owners = []protocol.Owner{g.owners[0].id()}
	}
	q.Policy = rapid.SampledFrom([]protocol.Policy{nil, {protocol.CriterionWeight}, {protocol.CriterionNewest}, {protocol.CriterionOracles, protocol.CriterionWeight}}).Draw(g.T, "policy")
	for _, o := range propertyOracles[:rapid.IntRange(0, 2).Draw(g.T, "oracles")] {
		q.Oracles = append(q.Oracles, o.id())
	}
	return q
}
