package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

func policy(list ...protocol.Criterion) protocol.Policy { return list }

// TestEveryCriterionIsMeasured names the criteria that the store cannot rank by.
func TestEveryCriterionIsMeasured(t *testing.T) {
	t.Parallel()
	for _, by := range protocol.Criteria() {
		if measures[by] == nil {
			t.Errorf("no row of measures says how criterion %q is measured", by)
		}
	}
	if err := new(ranking).measure(&candidate{}, "unknown"); !errors.Is(err, ErrBadQuery) {
		t.Errorf("a criterion without a row: %v, want ErrBadQuery", err)
	}
}

// winner is the owner of the best claim on a name, by a policy, −1 if there is none.
func winner(t *testing.T, w *world, s *Store, name string, q Query) int {
	t.Helper()
	q.Where = []Range{w.where(name, 0, 0)}
	a := mustQuery(t, s, q)
	if len(a.Keys) == 0 {
		return -1
	}
	for i := range w.owners {
		if w.ownerID(i) == a.Keys[0].Claims[0].Owner {
			return i
		}
	}
	t.Fatal("somebody unknown won")
	return -1
}

// TestStandingOfHeaviest has an owner update, delete and release, against an impostor who waited.
func TestStandingOfHeaviest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	k := []sel{{"horse", 0}}
	g := w.Genesis()
	put := func(s1 spec) *protocol.Record {
		s1.sels = k
		r := w.make(s1)
		mustPut(t, s, r, Attached)
		return r
	}
	byWeight := Query{Policy: policy(protocol.CriterionWeight)}
	expect := func(what string, want int) {
		t.Helper()
		for _, q := range []Query{{}, byWeight, {History: true}, {Explain: true}} {
			if have := winner(t, w, s, "horse", q); have != want {
				t.Fatalf("%s: owner %d answers, want %d", what, have, want)
			}
		}
	}
	first := put(spec{at: 10, owner: 0, value: "first"})
	last := []*protocol.Record{g[0], first}
	for i := range 10 { // honest records on top
		r := w.make(spec{at: uint64(20 + i), owner: 5, links: last, sels: []sel{{"other", uint64(i)}}})
		mustPut(t, s, r, Attached)
		last = []*protocol.Record{last[1], r}
	}
	impostor := put(spec{at: 40, owner: 1, links: last, value: "mine"})
	expect("a later impostor", 0)
	on := []*protocol.Record{last[1], impostor}
	for i := range 5 { // and some on top of the impostor, before the owner updates
		r := w.make(spec{at: uint64(50 + i), owner: 6, links: on, sels: []sel{{"more", uint64(i)}}})
		mustPut(t, s, r, Attached)
		on = []*protocol.Record{on[1], r}
	}
	update := put(spec{at: 60, owner: 0, links: on, value: "second"})
	expect("an update", 0)
	put(spec{at: 70, owner: 0, links: []*protocol.Record{on[1], update}}) // a tombstone
	expect("a tombstone", 0)
	a := mustQuery(t, s, Query{Where: []Range{w.where("horse", 0, 0)}})
	if !a.Keys[0].Claims[0].Record.Tombstone() || a.Keys[0].Total != 2 {
		t.Fatalf("%+v", a)
	}
	release := put(spec{at: 80, owner: 0, kind: protocol.TypeRelease, links: []*protocol.Record{on[1], update}})
	expect("a release", 1)
	put(spec{at: 90, owner: 0, links: []*protocol.Record{on[1], release}, value: "again"})
	expect("a former owner", 1)
	if have := winner(t, w, s, "horse", Query{Until: testTime + 75}); have != 0 {
		t.Fatalf("as of before the release owner %d answers, want 0", have)
	}
}

// TestLateReleases puts an owner's versions and releases in many orders, with room for what is kept
// of them and with little. The check that ends a test compares that with brute force.
func TestLateReleases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := []sel{{"a", 0}}
	g := w.Genesis()
	one := w.make(spec{at: 10, sels: k, value: "one"})
	two := w.make(spec{at: 20, sels: k, links: []*protocol.Record{g[0], one}, value: "two"})
	four := w.make(spec{at: 23, sels: k, links: []*protocol.Record{g[0], two}, value: "four"})
	three := w.make(spec{at: 30, sels: k, links: []*protocol.Record{two, four}, value: "three"})
	side := w.make(spec{at: 22, sels: k, value: "side"})
	heavy := worked(w.make(spec{at: 28, sels: k, value: "heavy"}), 50)
	early := w.make(spec{at: 15, sels: k, kind: protocol.TypeRelease})
	late := w.make(spec{at: 25, sels: k, kind: protocol.TypeRelease, links: []*protocol.Record{g[0], two}})
	rival := w.make(spec{at: 12, owner: 1, sels: k, value: "rival"})
	records := []*protocol.Record{one, two, three, four, side, heavy, early, late, rival}
	m := &model{records: records}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		order := slices.Clone(records)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, tune := range []tuning{{}, hasty} {
			s := openTest(t, w, Options{volatile: true, tuning: tune})
			for _, r := range order {
				if _, err := s.Put(t.Context(), r, 0); err != nil {
					t.Fatal(err)
				}
			}
			m.graphIn(w).seen = seenBy(t, s)
			for until := uint64(9); until < 32; until++ {
				for _, since := range []uint64{0, 11, 21, 26} {
					q := Query{Where: []Range{w.where("a", 0, 0)}, Policy: policy(protocol.CriterionWeight), History: true, Explain: true, Since: since, Until: testTime + until}
					if since > 0 {
						q.Since += testTime
					}
					want, _ := m.query(w, q)
					if have := idsOfAnswers(q, mustQuery(t, s, q)); !equalAnswers(have, want) {
						t.Fatalf("order %d, until %d, since %d: %+v, want %+v", i, until, since, have, want)
					}
				}
			}
			mustBeSound(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFirstSeen is what this node saw first: in order, pending, late in a heal, and after a
// restart.
func TestFirstSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.UnixMilli(testTime)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	drift := w.Params().ClockDrift
	tick := func(ms uint64) { now = now.Add(time.Duration(ms) * time.Millisecond) }
	say := func(name string, owner int, at uint64, links ...*protocol.Record) *protocol.Record {
		return w.make(spec{at: at, owner: owner, links: links, sels: []sel{{name, 0}}, value: fmt.Sprint(name, owner)})
	}
	put := func(r *protocol.Record, want Outcome) {
		t.Helper()
		tick(10)
		mustPut(t, s, r, want)
	}
	put(say("order", 0, 100), Attached)
	put(say("order", 1, 50), Attached) // dated before, and came after

	missing := w.make(spec{at: 1, owner: 9})
	put(say("pending", 0, 100, w.Genesis()[0], missing), Pending)
	put(say("pending", 1, 100), Attached)
	put(missing, Attached)

	update := say("updated", 0, 10)
	put(update, Attached)
	put(say("updated", 1, 11), Attached)
	put(say("updated", 0, 30, w.Genesis()[0], update), Attached)

	// A claim that is here in time stands against all that come late. Of those that come late none
	// stands against the others, unless it was here before the other says that it was made.
	tick(10 * drift)
	at := uint64(now.UnixMilli()) - testTime
	put(say("prompt", 0, at), Attached)
	put(say("prompt", 1, at-5*drift), Attached)
	put(say("heal", 0, at-5*drift), Attached)
	put(say("heal", 1, at-6*drift), Attached)
	put(say("behind", 0, 100), Attached)
	tick(10 * drift)
	put(say("behind", 1, at+2*drift), Attached) // late, and made after the other had come

	expect := func(s *Store) {
		t.Helper()
		for _, c := range []struct {
			name   string
			firsts []int
		}{{"order", []int{0}}, {"pending", []int{0}}, {"updated", []int{0}}, {"prompt", []int{0}}, {"heal", []int{0, 1}}, {"behind", []int{0}}} {
			a := mustQuery(t, s, Query{Where: []Range{w.where(c.name, 0, 0)}, Explain: true, Policy: policy(protocol.CriterionLocal)})
			var firsts []int
			for owner := range 2 {
				for _, claim := range a.Keys[0].Claims {
					if claim.Standing.First && claim.Owner == w.ownerID(owner) {
						firsts = append(firsts, owner)
					}
				}
			}
			if !slices.Equal(firsts, c.firsts) {
				t.Errorf("%s: first are %v, want %v", c.name, firsts, c.firsts)
			}
		}
	}
	expect(s)
	mustBeSound(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expect(openAt(t, w, path, Options{}))
}

// TestOracles elects oracles that lie, flood, contradict themselves and speak of what nobody knows.
func TestOracles(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 })
	s := openTest(t, w.world, Options{volatile: true})
	key := w.compositeOf(sel{"a", 0})
	put := func(r *protocol.Record) { t.Helper(); mustPut(t, s, r, Attached) }
	word := func(owner int, objects bool) protocol.Word {
		return protocol.Word{Composite: key, Owner: w.ownerID(owner), Objects: objects}
	}
	put(w.make(spec{at: 10, owner: 0, sels: []sel{{"a", 0}}, value: "true"}))
	put(w.make(spec{at: 20, owner: 1, sels: []sel{{"a", 0}}, value: "false"}))
	elect := func(list ...int) Query {
		q := Query{Policy: policy(protocol.CriterionOracles)}
		for _, i := range list {
			q.Oracles = append(q.Oracles, w.ownerID(i))
		}
		return q
	}
	expect := func(what string, want int, q Query) {
		t.Helper()
		if have := winner(t, w.world, s, "a", q); have != want {
			t.Errorf("%s: owner %d answers, want %d", what, have, want)
		}
	}
	expect("nobody has spoken: the newest", 1, elect(2, 3, 4))
	put(w.commentary(30, 2, word(1, true)))
	put(w.commentary(30, 3, word(1, true)))
	put(w.commentary(31, 4, word(0, true)))
	expect("a liar has the only voice", 1, elect(4))
	expect("a liar is outvoted", 0, elect(2, 3, 4))
	expect("elected twice counts once", 0, elect(4, 4, 4, 2, 3))
	expect("the unelected do not count", 1, elect())
	for i := range 200 { // floods: of one key, of others, of what nobody knows
		other := protocol.CompositeID{byte(i), 1}
		put(w.commentary(uint64(40+i), 4, word(0, true), protocol.Word{Composite: other, Owner: w.ownerID(0), Objects: true},
			protocol.Word{Composite: key, Owner: protocol.Owner{byte(i), 2}, Objects: true}))
	}
	expect("a flood has one voice", 0, elect(2, 3, 4))
	x := s.newSearch(t.Context(), Query{Where: []Range{w.where("a", 0, 0)}, Policy: policy(protocol.CriterionOracles), Oracles: elect(2, 3, 4).Oracles})
	if err := s.read(t.Context(), x.run); err != nil || scanBudget-x.budget > 20 {
		t.Errorf("a query looked at %d rows behind a flood (%v)", scanBudget-x.budget, err)
	}
	latest := w.commentary(400, 4, word(0, false))
	put(w.commentary(500, 3, word(1, false)))
	put(latest)
	put(w.commentary(399, 4, word(0, true))) // older, and came later
	expect("the latest words count", 0, elect(2, 3, 4))
	expect("an objection withdrawn", 1, elect(3, 4))
	words, err := s.Words(t.Context(), w.ownerID(4), key)
	if err != nil || len(words) != 201 || !slices.Contains(words, word(0, false)) {
		t.Errorf("%d words, %v", len(words), err)
	}
	put(w.make(spec{at: 600, owner: 1, sels: []sel{{"a", 0}}, kind: protocol.TypeRelease}))
	put(w.make(spec{at: 601, owner: 1, sels: []sel{{"a", 0}}, value: "again"}))
	expect("an objection outlives a release", 0, elect(2))
}

func TestCollisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	put := func(owner int, name string, at uint64) {
		mustPut(t, s, w.make(spec{at: at, owner: owner, sels: []sel{{name, 0}}, value: "v"}), Attached)
	}
	put(0, "alone", 1)
	put(0, "both", 2)
	put(1, "both", 3)
	put(1, "released", 4)
	mustPut(t, s, w.make(spec{at: 5, owner: 1, sels: []sel{{"released", 0}}, kind: protocol.TypeRelease}), Attached)
	put(2, "released", 6)
	list, next, err := s.Collisions(t.Context(), 0, 10)
	if err != nil || len(list) != 2 || list[0].Composite != w.compositeOf(sel{"both", 0}) || len(list[0].Claims) != 2 || next != 8 {
		t.Fatalf("%+v, next %d, %v", list, next, err)
	}
	if left := list[1].Claims; len(left) != 1 || left[0].Owner != w.ownerID(2) || !left[0].Standing.First {
		t.Errorf("of two claims one was released, and left is %+v", left)
	}
	if list[0].Claims[1].LostBy == "" || list[0].Claims[0].Seen == 0 {
		t.Errorf("not explained: %+v", list[0].Claims)
	}
	if list, next, err = s.Collisions(t.Context(), next, 10); err != nil || len(list) != 0 || next != 8 {
		t.Fatalf("%+v, next %d, %v", list, next, err)
	}
	put(0, "alone", 7)
	put(3, "both", 8)
	if list, next, err = s.Collisions(t.Context(), next, 10); err != nil || len(list) != 1 || len(list[0].Claims) != 3 || next != 10 {
		t.Fatalf("%+v, next %d, %v", list, next, err)
	}
	if list, next, err = s.Collisions(t.Context(), 0, 0); err != nil || len(list) != 0 || next != 0 {
		t.Fatalf("%+v, next %d, %v", list, next, err)
	}
}

// TestCollisionsOfACrowd has more squatters than a query lists: whoever objects to all that he is
// shown protects the first owner.
func TestCollisionsOfACrowd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	const squatters, oracle = maxListed + 20, 1
	for i := range squatters + 1 {
		mustPut(t, s, w.make(spec{at: uint64(1 + i), owner: 10 + i, sels: []sel{{"victim", 0}}, value: "v"}), Attached)
	}
	list, _, err := s.Collisions(t.Context(), 0, 10)
	if err != nil || len(list) != 1 || len(list[0].Claims) != squatters+1 {
		t.Fatalf("%d collisions, %v", len(list), err)
	}
	var words []protocol.Word
	for _, c := range list[0].Claims {
		if !c.Standing.First {
			words = append(words, protocol.Word{Composite: list[0].Composite, Owner: c.Owner, Objects: true})
		}
	}
	if len(words) != squatters {
		t.Fatalf("%d of %d came later", len(words), squatters)
	}
	for part := range slices.Chunk(words, protocol.MaxWords(w.Params().MaxValue)) {
		value, err := protocol.EncodeCommentary(part)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, w.make(spec{kind: protocol.TypeCommentary, at: 1000, owner: oracle, value: string(value)}), Attached)
	}
	a := mustQuery(t, s, Query{Where: []Range{w.where("victim", 0, 0)}, Oracles: []protocol.Owner{w.ownerID(oracle)}, Policy: policy(protocol.CriterionOracles)})
	if a.Keys[0].Claims[0].Owner != w.ownerID(10) || a.Keys[0].Total != squatters+1 {
		t.Errorf("%+v", a.Keys[0])
	}
}

// TestFallenOwner has an owner whose certificates are revoked for good: all that rested on them is
// hidden, and with a new one he writes again.
func TestFallenOwner(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		c := newCertified(t, func(p *protocol.Params) { p.AuthRequired = required })
		one, other := c.always(t, c.ca, 0), c.always(t, c.other, 0)
		a, b := c.carry(one), c.carry(other)
		c.put(c.cheap(0, "a", a))
		c.put(c.cheap(0, "a", b))
		c.put(c.revocation(c.at, 5, c.revoke(t, c.ca, one, 0, 0)))
		c.expect("on the other certificate", "a", 0, Query{})
		c.put(c.revocation(c.at, 5, c.revoke(t, c.other, other, 0, 0)))
		c.expect("fallen", "a", -1, Query{})
		c.expect("fallen", "a", -1, Query{History: true})
		again := c.carry(c.certify(t, c.ca, 0, day(-900), day(901), false))
		c.expect("what is old stays so", "a", -1, Query{})
		c.put(c.cheap(0, "a", again))
		c.expect("anew", "a", 0, Query{})
	}
}
