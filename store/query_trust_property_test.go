package store

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
)

// fate is what drawn records may carry: chains, and lists about them.
type fate struct {
	*trustWorld
	chains []*fateChain
}

type fateChain struct {
	value []byte
	owner int
	lists []fateList
}

type fateList struct {
	value []byte
	by    int
}

// second is the unit of drawn times: certificates count in seconds.
const second = 1000

// newFate makes what certifies and revokes once; drawn records carry it again and again.
func newFate(t *testing.T, change func(*protocol.Params)) *fate {
	f := &fate{trustWorld: newTrustWorld(t, func(p *protocol.Params) {
		p.ClockDrift = 2 * second
		if change != nil {
			change(p)
		}
	})}
	at := func(seconds int) time.Time { return time.UnixMilli(testTime).Add(time.Duration(seconds) * time.Second) }
	add := func(by *authority, owner int, from, until time.Time) {
		c := &fateChain{value: f.certify(t, by, owner, from, until, false), owner: owner}
		list := func(by *authority, place int, since uint64) {
			c.lists = append(c.lists, fateList{f.revoke(t, by, c.value, place, since), by.at})
		}
		list(by, 0, 0)
		list(by, 0, testTime+6*second)
		if by == f.middle {
			list(f.ca, 1, testTime+8*second)
		}
		list(f.other, 0, 0) // of a serial number that is another's, mostly
		f.chains = append(f.chains, c)
	}
	for owner := range 3 {
		add(f.ca, owner, day(-1), day(1))
		add(f.ca, owner, at(0), at(7))
		add(f.other, owner, at(7), day(1))
		add(f.middle, owner, day(-1), day(1))
		add(f.foreign, owner, day(-1), day(1))
	}
	return f
}

// draw makes a small network in which owners claim, update, delete, release, certify, revoke and
// comment.
func (f *fate) draw(t *rapid.T) []*protocol.Record {
	var records []*protocol.Record
	known := slices.Clone(f.Genesis())
	carried := map[int][]*protocol.Record{} // by owner
	drawn := f.chains
	for range rapid.IntRange(1, 30).Draw(t, "records") {
		s := spec{owner: rapid.IntRange(0, 3).Draw(t, "owner")}
		links := rapid.SliceOfNDistinct(rapid.IntRange(max(0, len(known)-8), len(known)-1), 2, 3, rapid.ID[int]).Draw(t, "links")
		for _, i := range links {
			s.links = append(s.links, known[i])
		}
		s.kind = rapid.SampledFrom([]protocol.Type{
			protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease,
			protocol.TypeCommentary, protocol.TypeCertificate, protocol.TypeCertificate, protocol.TypeRevocation,
		}).Draw(t, "type")
		effort := rapid.SampledFrom([]uint32{0, 0, paid, paid + 3, paid + 3}).Draw(t, "effort")
		switch s.kind {
		case protocol.TypeCertificate:
			chain := rapid.SampledFrom(f.chains).Draw(t, "chain")
			drawn = []*fateChain{chain}
			s.value, effort = string(chain.value), paid
			if rapid.IntRange(0, 2).Draw(t, "own") == 0 {
				s.owner = chain.owner
			}
		case protocol.TypeRevocation:
			list := rapid.SampledFrom(rapid.SampledFrom(drawn).Draw(t, "of").lists).Draw(t, "list")
			s.value, effort = string(list.value), paid
			if rapid.IntRange(0, 2).Draw(t, "own") > 0 {
				s.owner = list.by
			}
		case protocol.TypeCommentary:
			s.value = f.drawWords(t)
		default:
			s.sels = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) sel {
				return sel{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), rapid.Uint64Range(0, 1).Draw(t, "ordinal")}
			}), 1, 2, rapid.ID[sel]).Draw(t, "selectors")
			if s.kind == protocol.TypeDatum && rapid.IntRange(0, 4).Draw(t, "tombstone") > 0 {
				s.value = "v"
			}
		}
		if mine := carried[s.owner]; len(mine) > 0 && rapid.IntRange(0, 3).Draw(t, "rests") > 0 {
			s.links = append(s.links, rapid.SampledFrom(mine).Draw(t, "certificate"))
		}
		s.links = distinct(s.links)
		for _, l := range s.links {
			s.at = max(s.at, l.Timestamp-testTime)
		}
		s.at += rapid.SampledFrom([]uint64{0, 1, second, 2 * second}).Draw(t, "later")
		r := worked(f.make(s), effort)
		if slices.ContainsFunc(known, func(k *protocol.Record) bool { return k.ID() == r.ID() }) {
			continue
		}
		known, records = append(known, r), append(records, r)
		if s.kind == protocol.TypeCertificate {
			if c, err := protocol.ParseChain(r.ValueBytes()); err == nil {
				for owner := range 4 {
					if f.ownerID(owner) == c.Owner() {
						carried[owner] = append(carried[owner], r)
					}
				}
			}
		}
		if effort > 0 && rapid.IntRange(0, 6).Draw(t, "twin") == 0 {
			twin := worked(r, effort+uint32(len(known)))
			known, records = append(known, twin), append(records, twin)
		}
	}
	return records
}

func distinct(records []*protocol.Record) (list []*protocol.Record) {
	for _, r := range records {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// drawWords is a commentary, or something else.
func (f *fate) drawWords(t *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(t, "nonsense") == 0 {
		return "nonsense"
	}
	var words []protocol.Word
	for _, owner := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 1, 3, rapid.ID[int]).Draw(t, "on") {
		key := sel{rapid.SampledFrom([]string{"a", "b", "unknown"}).Draw(t, "name"), rapid.Uint64Range(0, 1).Draw(t, "ordinal")}
		words = append(words, protocol.Word{Composite: f.compositeOf(key), Owner: f.ownerID(owner), Objects: rapid.IntRange(0, 2).Draw(t, "objects") > 0})
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func (f *fate) drawQuery(t *rapid.T) Query {
	q := Query{
		Open: rapid.Bool().Draw(t, "open"), History: rapid.Bool().Draw(t, "history"), Explain: rapid.Bool().Draw(t, "explain"),
		Policy: rapid.SampledFrom([]protocol.Policy{
			nil, {"certified"}, {"oracles"}, {"weight"}, {"local"}, {"newest"}, {"newest", "weight"}, {"local", "weight"}, {"oracles", "certified"},
			{"certified", "local"}, {"weight", "oracles", "certified", "local", "newest"},
		}).Draw(t, "policy"),
	}
	from := rapid.Uint64Range(0, 1).Draw(t, "from")
	q.Where = []Range{f.where(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), from, rapid.SampledFrom([]uint64{from, 1}).Draw(t, "to"))}
	if rapid.IntRange(0, 3).Draw(t, "timed") == 0 {
		q.Since = testTime + rapid.Uint64Range(0, 12*second).Draw(t, "since")
	}
	if rapid.IntRange(0, 2).Draw(t, "timed") == 0 {
		q.Until = testTime + rapid.Uint64Range(0, 20*second).Draw(t, "until")
	}
	if rapid.IntRange(0, 5).Draw(t, "owned") == 0 {
		q.Owners = []protocol.Owner{f.ownerID(rapid.IntRange(0, 3).Draw(t, "of"))}
	}
	for range rapid.IntRange(0, 3).Draw(t, "oracles") {
		q.Oracles = append(q.Oracles, f.ownerID(rapid.IntRange(0, 3).Draw(t, "oracle")))
	}
	if rapid.IntRange(0, 2).Draw(t, "elective") == 0 {
		q.Authorities = []*protocol.Authority{f.foreign.parsed()}
	}
	return q
}

// driftingClock goes on by steps that a seed decides, so that some records come late and others
// not.
func driftingClock(seed uint64) func() time.Time {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	now := time.UnixMilli(testTime)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		return now
	}
}

// networks are those that properties are tested on.
func networks(t *testing.T) []*fate {
	return []*fate{
		newFate(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 }),
		newFate(t, nil),
		newFate(t, func(p *protocol.Params) { p.AuthRequired = true }),
	}
}

// restarted opens stores whose files can be opened again.
type restarted struct {
	*Store
	path string
	o    Options
}

// TestTrust compares two stores, to which the same records come in different orders, with the
// model, under every policy, before and after a restart.
func TestTrust(t *testing.T) {
	t.Parallel()
	fates := networks(t)
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(fates).Draw(t, "network")
		m := &model{records: f.draw(t)}
		g := m.graphIn(f.world)
		dir, err := os.MkdirTemp("", "lf-store") //nolint:usetesting // it goes with the rapid case
		if err != nil {
			t.Fatal(err)
		}
		var stores []*restarted
		t.Cleanup(func() {
			for _, s := range stores {
				s.Close()
			}
			os.RemoveAll(dir)
		})
		for i, name := range []string{"one", "two"} {
			s := &restarted{path: filepath.Join(dir, name), o: Options{volatile: true, tuning: tuningWithRuns(), Clock: driftingClock(rapid.Uint64().Draw(t, "clock"))}}
			if i == 1 {
				s.o.tuning = hasty
			}
			if s.Store, err = Open(s.path, f.Network, s.o); err != nil {
				t.Fatal(err)
			}
			stores = append(stores, s)
			putShuffled(t, s.Store, m.records)
			compareStates(t, f.world, m, s.Store)
		}
		for i := range 12 {
			if i == 8 {
				for _, s := range stores {
					s.restart(t, f.Network)
				}
			}
			q := f.drawQuery(t)
			for _, s := range stores {
				g.seen = seenBy(t, s.Store)
				compareAnswers(t, f.world, m, s.Store, q)
				f.compareProofs(t, g, s.Store, q)
			}
		}
		for _, s := range stores {
			if _, err := s.Check(t.Context(), func(p string) { t.Error("check:", p) }); err != nil {
				t.Fatal(err)
			}
			f.compareHidden(t, g, s.Store)
		}
	})
}

func (s *restarted) restart(t *rapid.T, n *protocol.Network) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.Store, err = Open(s.path, n, s.o); err != nil {
		t.Fatal(err)
	}
}

// seenBy returns when a store saw each record first.
func seenBy(t fataler, s *Store) map[protocol.ID]int64 {
	seen := map[protocol.ID]int64{}
	if err := s.read(context.Background(), func(c *conn) error {
		return c.eachInGraph(0, math.MaxInt64, func(idx int64, b *blocks.Graph) error {
			id, err := c.idOf(idx)
			_, seen[id] = b.TimesOf(idx)
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	return seen
}

type fataler interface{ Fatal(args ...any) }

func compareAnswers(t *rapid.T, w *world, m *model, s *Store, q Query) {
	want, more := m.query(w, q)
	have, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if got := idsOfAnswers(q, have); !equalAnswers(got, want) || have.More != more {
		t.Fatalf("query %+v\n have %+v more %v\n want %+v more %v", q, got, have.More, want, more)
	}
	comparePages(t, w, m, s, q, have)
}

func (f *fate) compareHidden(t *rapid.T, g *modelGraph, s *Store) {
	for id, r := range g.records {
		_, info, err := s.Get(t.Context(), id)
		if err != nil || info.Hidden != g.hidden(r) || info.Weight != g.weight[id] {
			t.Fatalf("%s: %+v (%v), want hidden %v, weight %d", id, info, err, g.hidden(r), g.weight[id])
		}
	}
}
