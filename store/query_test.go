package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

func putMany(t *testing.T, s *Store, records []*protocol.Record) {
	t.Helper()
	putAll(t, s, records, 64)
}

func mustQuery(t *testing.T, s *Store, q Query) Answers {
	t.Helper()
	a, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return a
}

// values are the plain values of the best claims, "-" for a tombstone.
func values(t *testing.T, w *world, a Answers, name string) (list []string) {
	t.Helper()
	for _, k := range a.Keys {
		r := k.Claims[0].Record
		if r.Tombstone() {
			list = append(list, "-")
			continue
		}
		plain, err := w.Open(w.name(name).Mask(), r.SealingOf(), r.ValueBytes())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(plain))
	}
	return list
}

var onlyNewest = protocol.Policy{protocol.CriterionNewest}

// TestClaims is one composite key in the course of time.
func TestClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	k := []sel{{"horse", 0}}
	for _, r := range []spec{
		{at: 10, owner: 0, value: "ten"},
		{at: 20, owner: 1, value: "twenty"},
		{at: 30, owner: 0, value: "thirty"},
		{at: 40, owner: 0}, // a tombstone
		{at: 50, owner: 1, kind: protocol.TypeRelease},
		{at: 60, owner: 0, kind: protocol.TypeRelease},
		{at: 70, owner: 1, value: "seventy"},
		{at: 80, owner: 2, kind: protocol.TypeCommentary},
	} {
		r.sels = k
		mustPut(t, s, w.make(r), Attached)
	}
	for _, c := range []struct {
		name         string
		since, until uint64
		owners       []int
		want         string // "" is no answer
		history      int    // versions, with history
	}{
		{name: "before all", until: 9},
		{name: "first", until: 10, want: "ten", history: 1},
		{name: "another owner, newer", until: 29, want: "twenty", history: 2},
		{name: "an update", until: 39, want: "thirty", history: 3},
		{name: "deleted", until: 49, want: "-", history: 4},
		{name: "the other released", until: 59, want: "-", history: 3},
		{name: "both released", until: 69},
		{name: "claimed again", want: "seventy", history: 1},
		{name: "one of two owners", until: 29, owners: []int{0}, want: "ten", history: 1},
		{name: "both owners", until: 29, owners: []int{0, 1, 1}, want: "twenty", history: 2},
		{name: "an owner with nothing", owners: []int{2}},
		{name: "an unknown owner", owners: []int{7}},
		{name: "since", since: 15, until: 29, want: "twenty", history: 1},
		{name: "since, without the release's past", since: 61, want: "seventy", history: 1},
		{name: "empty time", since: 71},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, q := range []Query{
				{Where: []Range{w.where("horse", 0, 0)}}, {Where: []Range{w.where("horse", 0, 9)}}, {Where: []Range{w.where("horse", 0, 0)}, Open: true},
			} {
				q.Policy = onlyNewest
				for _, o := range c.owners {
					q.Owners = append(q.Owners, w.ownerID(o))
				}
				if c.since > 0 {
					q.Since = testTime + c.since
				}
				if c.until > 0 {
					q.Until = testTime + c.until
				}
				have := values(t, w, mustQuery(t, s, q), "horse")
				if c.want == "" && len(have) > 0 || c.want != "" && !slices.Equal(have, []string{c.want}) {
					t.Errorf("%v, want %q", have, c.want)
				}
				q.History = true
				versions := 0
				for _, a := range mustQuery(t, s, q).Keys {
					for _, claim := range a.Claims {
						versions += 1 + len(claim.Older)
					}
				}
				if versions != c.history {
					t.Errorf("%d versions, want %d", versions, c.history)
				}
			}
		})
	}
}

func TestBadQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	one := w.where("a", 0, 0)
	for name, q := range map[string]Query{
		"nothing": {}, "reversed": {Where: []Range{w.where("a", 2, 1)}}, "large": {Where: []Range{w.where("a", 0, 1<<63)}},
		"too many": {Where: slices.Repeat([]Range{one}, 16)}, "negative limit": {Where: []Range{one}, Limit: -1},
	} {
		if _, err := s.Query(t.Context(), q); !errors.Is(err, ErrBadQuery) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManySelectors asks for 15 ranges of one name that overlap in every way: the worst for an
// assignment.
func TestManySelectors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	var sels []sel
	q := Query{}
	for i := range uint64(15) {
		sels = append(sels, sel{"a", i})
		// only one assignment: the ranges in reverse
		q.Where = append(q.Where, w.where("a", 14-i, 14))
	}
	mustPut(t, s, w.make(spec{at: 1, sels: sels}), Attached)
	a := mustQuery(t, s, q)
	if len(a.Keys) != 1 {
		t.Fatalf("%d answers", len(a.Keys))
	}
	for i, o := range a.Keys[0].Ordinals {
		if o != uint64(14-i) {
			t.Fatalf("ordinals %v", a.Keys[0].Ordinals)
		}
	}
	q.Where[0] = w.where("a", 15, 20)
	if a = mustQuery(t, s, q); len(a.Keys) != 0 {
		t.Fatal("answered what cannot be assigned")
	}
}

// crowd is a store with what makes queries slow. It has 4000 keys under a common name, a thousand
// owners of one key, and a thousand versions by one owner. It is built once.
type crowd struct {
	w *world
	s *Store
}

func newCrowd(t *testing.T) *crowd {
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	var records []*protocol.Record
	for i := range 4000 {
		sels := []sel{{"common", uint64(i % 2)}, {fmt.Sprint("other", i%3), uint64(i)}}
		if i%1000 == 7 {
			sels[1].name = "rare"
		}
		records = append(records, w.make(spec{at: 1, sels: sels, value: fmt.Sprint(i)}))
	}
	last := w.Genesis()[1]
	for i := range 1000 {
		revised := w.make(spec{at: uint64(i) + 1, links: []*protocol.Record{w.Genesis()[0], last}, sels: []sel{{"revised", 0}}, value: fmt.Sprint(i)})
		records = append(records, revised,
			w.make(spec{at: uint64(i) + 1, owner: i, sels: []sel{{"crowded", 0}}, value: fmt.Sprint(i)}),
			w.make(spec{at: uint64(i) + 1, sels: []sel{{"scattered", 0}}, value: fmt.Sprint(i)}))
		last = revised
	}
	records = append(records, w.make(spec{at: 500, owner: 1, sels: []sel{{"revised", 0}}, value: "other"}),
		w.make(spec{at: 500, owner: 1, sels: []sel{{"scattered", 0}}, value: "other"}))
	putMany(t, s, records)
	return &crowd{w, s}
}

// TestCost counts the rows that queries look at.
func TestCost(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	where := c.w.where
	common := where("common", 0, protocol.MaxOrdinal)
	for _, q := range []struct {
		name  string
		query Query
		keys  int
		more  bool
		most  int // rows
	}{
		{"rare beside common", Query{Where: []Range{common, where("rare", 0, protocol.MaxOrdinal)}}, 4, false, 100},
		{"common beside rare", Query{Where: []Range{where("rare", 0, protocol.MaxOrdinal), common}}, 4, false, 100},
		{"open, rare", Query{Where: []Range{where("rare", 0, protocol.MaxOrdinal)}, Open: true}, 4, false, 20},
		{"common alone, of two", Query{Where: []Range{common}}, 0, false, 1},
		{"open, common, few", Query{Where: []Range{common}, Open: true, Limit: 5}, 5, true, 20},
		{"two common, few", Query{Where: []Range{common, where("other1", 0, protocol.MaxOrdinal)}, Limit: 5}, 5, true, 900},
		{"one key", Query{Where: []Range{where("common", 1, 1), where("other1", 1, 1)}}, 1, false, 3},
		{"thousand owners", Query{Where: []Range{where("crowded", 0, 0)}}, 1, false, 10},
		{"thousand owners, the newest", Query{Where: []Range{where("crowded", 0, 0)}, Policy: onlyNewest}, 1, false, 10},
		{"thousand owners, explained", Query{Where: []Range{where("crowded", 0, 0)}, Explain: true}, 1, false, 400},
		{"thousand owners, all ranked", Query{Where: []Range{where("crowded", 0, 0)}, Since: 1}, 1, false, 4002},
		{"thousand owners, all ranked, the newest", Query{Where: []Range{where("crowded", 0, 0)}, Policy: onlyNewest, Since: 1}, 1, false, 1002},
		{"thousand owners, all ranked and explained", Query{Where: []Range{where("crowded", 0, 0)}, Explain: true, Since: 1}, 1, false, 4002},
		{"one of a thousand owners", Query{Where: []Range{where("crowded", 0, 0)}, Owners: []protocol.Owner{c.w.ownerID(500)}}, 1, false, 3},
		{"thousand versions", Query{Where: []Range{where("revised", 0, 0)}}, 1, false, 40},
		{"thousand versions, as of", Query{Where: []Range{where("revised", 0, 0)}, Until: testTime + 400}, 1, false, 40},
		{"history", Query{Where: []Range{where("revised", 0, 0)}, History: true}, 1, false, 3100},
		{"thousand versions, none in another's past", Query{Where: []Range{where("scattered", 0, 0)}}, 1, false, 1100},
	} {
		t.Run(q.name, func(t *testing.T) {
			x := c.s.newSearch(t.Context(), q.query)
			x.budget = scanBudget
			if err := c.s.read(t.Context(), x.run); err != nil {
				t.Fatal(err)
			}
			rows := scanBudget - x.budget
			t.Logf("%d rows, %d keys", rows, len(x.answers.Keys))
			if len(x.answers.Keys) != q.keys || x.answers.More != q.more {
				t.Errorf("%d keys, more %v; want %d, %v", len(x.answers.Keys), x.answers.More, q.keys, q.more)
			}
			if rows > q.most {
				t.Errorf("looked at %d rows, want at most %d", rows, q.most)
			}
		})
	}
	t.Run("too broad", func(t *testing.T) {
		x := c.s.newSearch(t.Context(), Query{Where: []Range{where("crowded", 0, 0)}, Since: 1})
		x.budget = 100
		if err := c.s.read(t.Context(), x.run); !errors.Is(err, ErrTooBroad) {
			t.Errorf("want ErrTooBroad: %v", err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		x := c.s.newSearch(ctx, Query{Where: []Range{where("crowded", 0, 0)}, Since: 1})
		x.budget = scanBudget
		cancel()
		reader, err := c.s.readers.take(t.Context(), c.s.quit)
		if err != nil {
			t.Fatal(err)
		}
		defer c.s.readers.give(reader)
		if err := x.run(reader); !errors.Is(err, context.Canceled) {
			t.Errorf("want context.Canceled: %v", err)
		}
	})
}

// TestStrangers pretends that two composite keys, and two selector keys, have the same prefix. The
// index then proposes the wrong record first, and the record decides.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mine := w.make(spec{at: 1, sels: []sel{{"mine", 1}}, value: "mine"})
	other := w.make(spec{at: 2, sels: []sel{{"other", 1}}, value: "other"})
	mustPut(t, s, mine, Attached)
	mustPut(t, s, other, Attached)
	if err := s.change(t.Context(), func(tx *tx) error {
		a, b := newEntry(mine), newEntry(other)
		v, found, err := tx.firstVersion(versionsUnder(b.composite))
		if err != nil || !found {
			return errors.Join(err, errors.New("the other one is not among the versions"))
		}
		v.composite = a.composite
		row := selectorRow{point{a.rows[0].key, b.rows[0].ordinal + 1}, b.rows[0].others}
		return errors.Join(tx.putRow(kindVersions, v.idx, appendKeyed(nil, v)), tx.putRow(kindSelectors, 1, appendSelectorRow(nil, row, 1, b.composite)))
	}); err != nil {
		t.Fatal(err)
	}
	for _, history := range []bool{false, true} {
		for _, to := range []uint64{1, 9} {
			a := mustQuery(t, s, Query{Where: []Range{w.where("mine", 1, to)}, History: history})
			if have := values(t, w, a, "mine"); !slices.Equal(have, []string{"mine"}) {
				t.Errorf("to %d, history %v: %v", to, history, have)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTwinsDecideNothing puts twins of two owners' versions of one millisecond until each has had
// the greatest ID: the answer stays what it was. A release of that millisecond withdraws, whatever
// its ID.
func TestTwinsDecideNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	k := []sel{{"a", 0}}
	both := []*protocol.Record{w.make(spec{at: 1, sels: k, value: "x"}), w.make(spec{at: 1, owner: 1, sels: k, value: "y"})}
	putMany(t, s, both)
	q := Query{Where: []Range{w.where("a", 0, 0)}, Policy: onlyNewest}
	first := values(t, w, mustQuery(t, s, q), "a")
	for i := range byte(16) {
		mustPut(t, s, twinOf(both[i%2], i), Attached)
		if now := values(t, w, mustQuery(t, s, q), "a"); !slices.Equal(now, first) {
			t.Fatalf("after %d twins: %v, was %v", i+1, now, first)
		}
	}
	for owner := range 2 {
		release := w.make(spec{at: 1, owner: owner, kind: protocol.TypeRelease, sels: k})
		for i := range byte(4) {
			mustPut(t, s, twinOf(release, i), Attached)
		}
	}
	if a := mustQuery(t, s, q); len(a.Keys) != 0 {
		t.Fatalf("a released key is answered: %+v", a)
	}
}

// TestSkipWeights leaves weights out of versions, and ranks as ever.
func TestSkipWeights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	first := w.make(spec{owner: 1, at: 5, sels: []sel{{"key", 0}}})
	mustPut(t, s, first, Attached)
	mustPut(t, s, w.make(spec{owner: 2, at: 6, sels: []sel{{"key", 0}}, links: []*protocol.Record{first, w.Genesis()[0]}}), Attached)
	for _, skip := range []bool{false, true} {
		for _, history := range []bool{false, true} {
			a, err := s.Query(t.Context(), Query{Where: []Range{w.where("key", 0, 0)}, SkipWeights: skip, History: history})
			if err != nil || len(a.Keys) != 1 || a.Keys[0].Claims[0].Record.ID() != first.ID() {
				t.Fatalf("%+v, %v", a, err)
			}
			if c := a.Keys[0].Claims[0]; (c.Weight == 0) != skip || c.Standing.Weight == 0 {
				t.Errorf("skip %t: %+v", skip, c)
			}
		}
	}
}
