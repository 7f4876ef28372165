package store

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(6)
	ids := func(list ...int) (ids []protocol.ID) {
		for _, i := range list {
			ids = append(ids, chain[i].ID())
		}
		slices.SortFunc(ids, protocol.ID.Compare)
		return ids
	}
	check := func(what string, have, want []protocol.ID) {
		t.Helper()
		slices.SortFunc(have, protocol.ID.Compare)
		if !slices.Equal(have, want) {
			t.Errorf("%s: missing %v, want %v", what, have, want)
		}
	}
	check("5", mustPut(t, s, chain[5], Pending).Missing, ids(3, 4))
	check("4", mustPut(t, s, chain[4], Pending).Missing, ids(2, 3))
	check("5 again", mustPut(t, s, chain[5], Known).Missing, ids(2, 3)) // deeper ones too
	check("2", mustPut(t, s, chain[2], Pending).Missing, ids(0, 1))
	missing, err := s.Missing(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	check("all", missing, ids(0, 1, 3))
	if missing, err = s.Missing(t.Context(), 2); err != nil || len(missing) != 2 {
		t.Errorf("limited: %v, %v", missing, err)
	}
	unknown, err := s.Unknown(t.Context(), ids(0, 1, 2, 3, 4, 5))
	if err != nil {
		t.Fatal(err)
	}
	check("unknown", unknown, ids(0, 1, 3))
	if _, info, err := s.Get(t.Context(), chain[4].ID()); err != nil || info != (Info{State: Pending}) {
		t.Errorf("pending record: %+v, %v", info, err)
	}
	mustPut(t, s, chain[0], Attached)
	if r := mustPut(t, s, chain[1], Attached); len(r.Attached) != 2 {
		t.Errorf("attached %v, want 1 and 2", r.Attached)
	}
	if r := mustPut(t, s, chain[3], Attached); len(r.Attached) != 3 {
		t.Errorf("attached %v, want 3, 4 and 5", r.Attached)
	}
}

// TestMissingIsToldOnce: the missing links of a record's pending ancestors were told when these
// came. To look for them again with each descendant cost more the more there wait: a copy that
// began with the children stood still for minutes.
func TestMissingIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(40)
	mustPut(t, s, chain[2], Pending)
	mustPut(t, s, chain[3], Pending)
	for _, r := range chain[4:] {
		if missing := mustPut(t, s, r, Pending).Missing; len(missing) > 0 {
			t.Fatalf("%v are missing; its links wait", missing)
		}
	}
	missing, err := s.Missing(t.Context(), 10)
	if err != nil || len(missing) != 2 {
		t.Errorf("the store lists %v, %v", missing, err)
	}
}

// TestEviction fills the queue of pending records: the oldest go, are counted, and are wanted again
// where something waits for them; attached ones stay.
func TestEviction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	chain := w.chain(30)
	size := uint64(waitingSize(chain[20]) + 2*waitingLink)
	for name, limits := range map[string]Limits{"records": {Records: 10}, "bytes": {Bytes: 10*size + size/2}} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, w, Options{MaxPending: limits})
			for _, r := range chain[:5] {
				mustPut(t, s, r, Attached)
			}
			for _, r := range chain[6:] {
				mustPut(t, s, r, Pending)
			}
			stats, err := s.Stats(t.Context())
			if err != nil || stats.Pending != 10 || stats.DroppedPending != 14 || stats.Attached != 7 {
				t.Fatalf("%+v, %v", stats, err)
			}
			missing, err := s.Missing(t.Context(), 100)
			if err != nil || len(missing) != 2 || !slices.Contains(missing, chain[19].ID()) || !slices.Contains(missing, chain[18].ID()) {
				t.Fatalf("missing %v, %v", missing, err)
			}
			// they come again, as whoever fetches what is missing would put them
			for _, r := range chain[5:20] {
				if _, err := s.Put(t.Context(), r, 0); err != nil {
					t.Fatal(err)
				}
			}
			if stats, err = s.Stats(t.Context()); err != nil || stats.Pending != 0 || stats.Attached != 32 {
				t.Fatalf("%+v, %v", stats, err)
			}
		})
	}
	s := openTest(t, w, Options{MaxPending: Limits{Bytes: size / 2}})
	if r := mustPut(t, s, chain[20], Refused); !errors.Is(r.Err, ErrPendingFull) {
		t.Error(r.Err)
	}
}

// TestOlderThanLink puts a record that precedes one of its links, with its descendants, in every
// order.
func TestOlderThanLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	young := w.make(spec{at: 10})
	old := w.make(spec{at: 9, links: []*protocol.Record{w.Genesis()[0], young}})
	child := w.make(spec{at: 20, links: []*protocol.Record{young, old}})
	grandchild := w.make(spec{at: 21, links: []*protocol.Record{young, child}})

	s := openTest(t, w, Options{})
	mustPut(t, s, young, Attached)
	var invalid *protocol.InvalidError
	if r := mustPut(t, s, old, Refused); !errors.As(r.Err, &invalid) || invalid.Rule != protocol.RuleTimestamp || r.State != 0 {
		t.Fatalf("%+v", r)
	}
	mustPut(t, s, grandchild, Pending)
	mustPut(t, s, child, Pending)
	mustPut(t, s, old, Refused) // and all that waits for it goes
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Pending != 0 || stats.DroppedPending != 2 || stats.Attached != 3 {
		t.Fatalf("%+v, %v", stats, err)
	}

	s = openTest(t, w, Options{})
	for _, r := range []*protocol.Record{grandchild, child, old} {
		mustPut(t, s, r, Pending)
	}
	if r := mustPut(t, s, young, Attached); len(r.Attached) != 1 {
		t.Fatalf("attached %v", r.Attached)
	}
	if stats, err = s.Stats(t.Context()); err != nil || stats.Pending != 0 || stats.DroppedPending != 3 {
		t.Fatalf("%+v, %v", stats, err)
	}
	if missing, err := s.Missing(t.Context(), 10); err != nil || len(missing) != 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{MaxHeld: Limits{Records: 3}})
	a := w.make(spec{at: 100})
	b := w.make(spec{at: 200, links: []*protocol.Record{w.Genesis()[1], a}})
	c := w.make(spec{at: 300, links: []*protocol.Record{a, b}})
	elsewhere := w.make(spec{at: 10})
	d := w.make(spec{at: 150, links: []*protocol.Record{a, elsewhere}})

	mustPut(t, s, c, Pending) // waits for a and b
	mustHold(t, s, a, testTime+100, Held)
	mustHold(t, s, b, testTime+200, Held)
	mustHold(t, s, b, testTime+200, Known)
	mustHold(t, s, c, testTime+300, Known)
	mustHold(t, s, d, testTime+150, Held)
	// held ones are here
	if missing, err := s.Missing(t.Context(), 10); err != nil || len(missing) != 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	if r := mustHold(t, s, elsewhere, testTime+201, Refused); !errors.Is(r.Err, ErrHeldFull) {
		t.Fatalf("%+v", r)
	}
	if _, info, err := s.Get(t.Context(), a.ID()); err != nil || info != (Info{State: Held}) {
		t.Fatalf("%+v, %v", info, err)
	}
	for _, step := range []struct {
		now                        uint64
		attached, missing          int
		nowAttached, pending, held uint64
	}{
		{99, 0, 0, 2, 1, 3},
		{160, 1, 1, 3, 2, 1},  // a attaches, d waits for elsewhere
		{1000, 2, 0, 5, 1, 0}, // b and with it c
	} {
		attached, missing, err := s.Release(t.Context(), testTime+step.now)
		if err != nil || len(attached) != step.attached || len(missing) != step.missing {
			t.Fatalf("at %d: attached %v, missing %v, %v", step.now, attached, missing, err)
		}
		stats, err := s.Stats(t.Context())
		if err != nil || stats.Attached != step.nowAttached || stats.Pending != step.pending || stats.Held != step.held || stats.DroppedHeld != 1 {
			t.Fatalf("at %d: %+v, %v", step.now, stats, err)
		}
	}
	if r := mustPut(t, s, elsewhere, Attached); len(r.Attached) != 2 {
		t.Fatalf("%+v", r)
	}
}

// TestHeldPutAgain puts a held record once more when its time has come: that is as good as a
// release.
func TestHeldPutAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	a := w.make(spec{at: 100})
	b := w.make(spec{at: 200, links: []*protocol.Record{w.Genesis()[1], a}})
	mustHold(t, s, a, 1, Held)
	mustHold(t, s, b, 1, Held)
	// it waits for a, which is here and held
	if r := mustPut(t, s, b, Pending); len(r.Missing) != 0 {
		t.Fatalf("%+v", r)
	}
	if r := mustPut(t, s, a, Attached); len(r.Attached) != 2 {
		t.Fatalf("%+v", r)
	}
}

func TestValueMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	full := w.make(spec{at: 1, sels: []sel{{"a", 0}}, value: "v"})
	pruned, err := protocol.DecodeRecord(full.HeaderBytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := mustPut(t, s, pruned, Refused); !errors.Is(r.Err, ErrValueMissing) {
		t.Fatal(r.Err)
	}
	mustPut(t, s, full, Attached)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	genesis := idSet(w.Genesis())
	expect := func(count int, now uint64, from map[protocol.ID]bool, wantNewest uint64) {
		t.Helper()
		links, err := s.Links(t.Context(), LinksQuery{Count: count, Now: now})
		if err != nil || len(links.IDs) != count || links.Newest != wantNewest || links.Certified {
			t.Fatalf("%+v, %v; want %d, newest %d", links, err, count, wantNewest)
		}
		seen := map[protocol.ID]bool{}
		for _, l := range links.IDs {
			if seen[l] || !from[l] {
				t.Fatalf("link %s twice, or not one of those wanted", l)
			}
			seen[l] = true
		}
	}
	expect(2, testTime+5, genesis, testTime)
	expect(2, 5, genesis, testTime) // a clock behind the genesis: there is nothing else
	var tips []*protocol.Record
	for i := range 8 {
		r := w.make(spec{at: 10, owner: i})
		mustPut(t, s, r, Attached)
		tips = append(tips, r)
	}
	ahead := w.make(spec{at: 1000})
	mustPut(t, s, ahead, Attached)
	for range 20 {
		expect(3, testTime+500, idSet(tips), testTime+10)
	}
	expect(2, testTime+5, genesis, testTime) // all tips are ahead
	expect(10, testTime+500, idSet(append(tips, w.Genesis()...)), testTime+10)
	have, err := s.Tips(t.Context(), 100)
	if err != nil || len(have) != 9 || !slices.Contains(have, ahead.ID()) {
		t.Fatalf("tips %v, %v", have, err)
	}
	if have, err = s.Tips(t.Context(), 2); err != nil || len(have) != 2 {
		t.Fatalf("tips %v, %v", have, err)
	}
	upper := w.make(spec{at: 1001, links: []*protocol.Record{tips[0], ahead}})
	mustPut(t, s, upper, Attached)
	if have, err = s.Tips(t.Context(), 2); err != nil || len(have) != 2 || have[0] != upper.ID() {
		t.Fatalf("tips %v, %v: the one with the greatest past comes first", have, err)
	}
}

func idSet(records []*protocol.Record) map[protocol.ID]bool {
	set := map[protocol.ID]bool{}
	for _, r := range records {
		set[r.ID()] = true
	}
	return set
}

// TestOrders puts a small graph in every one of its orders: what is attached at the end, and what
// queries answer, is the same.
func TestOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.Genesis()
	a := w.make(spec{at: 1, sels: []sel{{"k", 1}}, value: "a"})
	b := w.make(spec{at: 1, owner: 1, sels: []sel{{"k", 1}}, value: "b"})
	c := w.make(spec{at: 2, links: []*protocol.Record{a, b}, sels: []sel{{"k", 1}}, value: "c"})
	d := w.make(spec{kind: protocol.TypeRelease, at: 2, owner: 1, links: []*protocol.Record{g[0], b}, sels: []sel{{"k", 1}}})
	e := w.make(spec{at: 3, owner: 2, links: []*protocol.Record{c, d}, sels: []sel{{"k", 1}, {"l", 5}}})
	records := []*protocol.Record{a, b, c, d, e}
	query := Query{Where: []Range{w.where("k", 0, 9)}, Open: true, History: true}
	want, _ := (&model{records: records}).query(w, query)
	for i, order := range permutations(records) {
		s := openTest(t, w, Options{volatile: true})
		for _, r := range order {
			if result, err := s.Put(t.Context(), r, 0); err != nil || result.Outcome == Refused {
				t.Fatal(result, err)
			}
		}
		answers, err := s.Query(t.Context(), query)
		if err != nil || !equalAnswers(idsOfAnswers(query, answers), want) {
			t.Fatalf("order %d: %v, %v; want %v", i, idsOfAnswers(query, answers), err, want)
		}
	}
}

func permutations[T any](list []T) (all [][]T) {
	if len(list) <= 1 {
		return [][]T{slices.Clone(list)}
	}
	for i := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		for _, p := range permutations(rest) {
			all = append(all, append([]T{list[i]}, p...))
		}
	}
	return all
}

// TestCascadeWide attaches a wide graph, arrived at random, by its last record.
func TestCascadeWide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	root := w.make(spec{at: 1})
	layers := [][]*protocol.Record{{root, w.Genesis()[0]}}
	var all []*protocol.Record
	for depth := range 10 {
		var layer []*protocol.Record
		last := layers[len(layers)-1]
		for i := range 30 {
			r := w.make(spec{at: uint64(depth) + 2, owner: i, links: []*protocol.Record{last[i%len(last)], last[(i+1)%len(last)]}})
			layer = append(layer, r)
		}
		layers, all = append(layers, layer), append(all, layer...)
	}
	for _, i := range rand.Perm(len(all)) {
		mustPut(t, s, all[i], Pending)
	}
	if r := mustPut(t, s, root, Attached); len(r.Attached) != len(all)+1 {
		t.Fatalf("attached %d of %d", len(r.Attached), len(all)+1)
	}
}

// TestUnpaidMakeWay fills the queue with records at the price of a certificate that nobody has
// seen. They displace nothing that is paid, and make way for it.
func TestUnpaidMakeWay(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	s := openTest(t, w.world, Options{MaxPending: Limits{Records: 4}})
	absent := w.full(spec{at: 1, owner: 0, sels: []sel{{"n0", 0}}})
	cheap := func(i uint64) *protocol.Record {
		return w.make(spec{at: 10 + i, owner: 1, sels: []sel{{"n1", 0}}, links: []*protocol.Record{absent}})
	}
	dear := func(i uint64) *protocol.Record {
		return w.full(spec{at: 20 + i, owner: 2, sels: []sel{{"n2", 0}}, links: []*protocol.Record{absent}})
	}
	here := func(what string, r *protocol.Record, want State) {
		t.Helper()
		if _, info, err := s.Get(t.Context(), r.ID()); info.State != want || (err == nil) != (want != 0) {
			t.Errorf("%s: %v, %v, want %v", what, info.State, err, want)
		}
	}
	for i := range uint64(6) {
		mustPut(t, s, cheap(i), Pending)
	}
	here("the oldest of those that are not paid", cheap(1), 0)
	here("a later one", cheap(2), Pending)
	for i := range uint64(4) {
		mustPut(t, s, dear(i), Pending)
	}
	here("the last one that is not paid", cheap(5), 0)
	here("the first that is paid", dear(0), Pending)
	if r := mustPut(t, s, cheap(7), Refused); !errors.Is(r.Err, ErrPendingFull) {
		t.Errorf("among paid ones: %v", r.Err)
	}
	mustPut(t, s, dear(5), Pending)
	here("the oldest that is paid", dear(0), 0)
}
