package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

var keyA = []sel{{"a", 0}}

// rankTest is a store that keeps rows of every key with two claims, a portion of one at a time.
type rankTest struct {
	*crowdRun
	t *testing.T
}

func newRankTest(t *testing.T, change func(*protocol.Params), portion int) *rankTest {
	t.Helper()
	r := &crowdRun{fate: &fate{trustWorld: newTrustWorld(t, change)}}
	o := Options{volatile: true, tuning: defaultTuning}
	o.tuning.crowded, o.tuning.rankPortion = 2, portion
	r.s = &restarted{path: filepath.Join(t.TempDir(), "lf.db"), o: o}
	var err error
	if r.s.Store, err = Open(r.s.path, r.Network, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mustBeSound(t, r.s.Store)
		r.s.Close()
	})
	return &rankTest{r, t}
}

func (r *rankTest) put(records ...*protocol.Record) {
	r.t.Helper()
	for _, record := range records {
		mustPut(r.t, r.s.Store, record, Attached)
	}
}

// mustAnswer asks after the work in the background is done: the rows and the full ranking answer
// the same, from rows.
func (r *rankTest) mustAnswer(want string, total int, q Query) {
	r.t.Helper()
	settleRanks(r.t, r.s.Store, r.elected)
	r.mustAgree(want, total, q)
	if r.byRows != r.answers {
		r.t.Errorf("of %d answers %d came from rows", r.answers, r.byRows)
	}
}

func (r *rankTest) mustAgree(want string, total int, q Query) {
	r.t.Helper()
	q.Where = []Range{r.where("a", 0, 0)}
	r.compare(r.t, q)
	a := mustQuery(r.t, r.s.Store, q)
	if have := values(r.t, r.world, a, "a"); !slices.Equal(have, []string{want}) || a.Keys[0].Total != total {
		r.t.Fatalf("%v of %d claims, want %s of %d", have, a.Keys[0].Total, want, total)
	}
}

// TestRanksOfHidden: what a revocation hides is taken from the rows with it, and a release that it
// hides lets the versions before it stand again. A version can be hidden when it comes.
func TestRanksOfHidden(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 8)
	mine, his := r.always(t, r.ca, 0), r.always(t, r.ca, 1)
	chain, other := r.certificate(1, mine), r.certificate(1, his)
	r.put(chain, other,
		r.full(spec{at: 9, owner: 2, sels: keyA, value: "other"}), r.full(spec{at: 10, sels: keyA, value: "first"}),
		r.make(spec{at: 20, sels: keyA, links: []*protocol.Record{chain}, value: "rests"}))
	newest := Query{Policy: onlyNewest}
	r.mustAnswer("rests", 2, newest)
	release := r.make(spec{at: 30, sels: keyA, kind: protocol.TypeRelease, links: []*protocol.Record{chain}})
	r.put(release, r.make(spec{at: 15, owner: 1, sels: keyA, links: []*protocol.Record{other}, value: "his"}))
	r.mustAnswer("his", 2, newest)
	// the release goes, and one of the versions before it
	r.put(r.revocation(40, ownerCA, r.revoke(t, r.ca, mine, 0, 0)))
	r.mustAnswer("his", 3, newest)
	q := Query{Where: []Range{r.where("a", 0, 0)}, Explain: true, History: true}
	r.compare(t, q)
	r.put(r.make(spec{at: 50, sels: keyA, links: []*protocol.Record{chain}, value: "hidden from the first"}))
	r.mustAnswer("his", 3, newest)
	r.put(r.make(spec{at: 51, sels: keyA, kind: protocol.TypeRelease, links: []*protocol.Record{chain}}))
	r.mustAnswer("his", 3, newest)

	theirs := r.always(t, r.ca, 2)
	last := r.certificate(60, theirs)
	r.put(last, r.revocation(61, ownerCA, r.revoke(t, r.ca, theirs, 0, 0)), r.make(spec{at: 62, owner: 2, sels: keyA, links: []*protocol.Record{last}, value: "hidden"}))
	r.mustAnswer("his", 3, newest)
	thief := r.always(t, r.ca, 3)
	last = r.certificate(70, thief)
	r.put(last, r.revocation(71, ownerCA, r.revoke(t, r.ca, thief, 0, 0)), r.make(spec{at: 72, owner: 3, sels: keyA, links: []*protocol.Record{last}, value: "hidden"}))
	r.mustAnswer("his", 3, newest)
}

// TestRanksWhileWorkIsLeft: a revocation of an intermediate reaches many owners, and other oracles
// are elected. Until all rows are looked at again queries rank all claims, across a restart too.
func TestRanksWhileWorkIsLeft(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 1)
	var records []*protocol.Record
	for owner := range 6 {
		chain := r.certificate(1, r.always(t, r.middle, owner))
		records = append(records, chain, r.make(spec{at: uint64(10 + owner), owner: owner, sels: keyA, links: []*protocol.Record{chain}, value: fmt.Sprint(owner)}))
	}
	r.put(records...)
	r.put(r.full(spec{at: 5, owner: 7, sels: keyA, value: "full"}))
	newest := Query{Policy: onlyNewest}
	r.mustAnswer("5", 7, newest)
	list := r.revoke(t, r.ca, records[0].ValueBytes(), 1, 0)
	r.put(r.revocation(40, ownerCA, list))
	r.mustAgree("full", 1, newest)
	r.s.restartNow(t, r.Network)
	r.mustAgree("full", 1, newest)
	r.byRows, r.answers = 0, 0
	r.mustAnswer("full", 1, newest)
}

func (s *restarted) restartNow(t *testing.T, n *protocol.Network) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.Store, err = Open(s.path, n, s.o); err != nil {
		t.Fatal(err)
	}
}

// TestRanksElect: the store counts the objections of the oracles that it is told of, in the
// background.
func TestRanksElect(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 1)
	key := r.compositeOf(keyA...)
	var records []*protocol.Record
	for owner := range 5 {
		records = append(records, r.full(spec{at: uint64(10 + owner), owner: owner, sels: keyA, value: fmt.Sprint(owner)}))
	}
	r.put(records...)
	r.put(r.commentary(30, 20, protocol.Word{Composite: key, Owner: r.ownerID(4), Objects: true}))
	q := Query{Oracles: []protocol.Owner{r.ownerID(20)}}
	r.mustAgree("3", 5, q)
	if r.byRows > 0 {
		t.Fatal("rows count the objections of an oracle that is not elected")
	}
	r.s.Elect(q.Oracles)
	deadline := time.Now().Add(time.Minute)
	for r.byRows == 0 {
		if r.mustAgree("3", 5, q); time.Now().After(deadline) {
			t.Fatal("the objections are not counted")
		}
	}
	r.elected = q.Oracles
	r.byRows, r.answers = 0, 0
	r.put(r.commentary(31, 20, protocol.Word{Composite: key, Owner: r.ownerID(3), Objects: true}, protocol.Word{Composite: key, Owner: r.ownerID(4)}))
	r.mustAnswer("4", 5, q)
	r.put(r.full(spec{at: 40, owner: 6, sels: keyA, value: "6"}), r.commentary(41, 20, protocol.Word{Composite: key, Owner: r.ownerID(6), Objects: true}))
	r.mustAnswer("4", 6, q)
}

// TestRanksOfStrangers pretends that two composite keys have the same prefix. What an owner says
// under one of them counts for that alone, whichever comes first.
func TestRanksOfStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := Options{volatile: true, tuning: defaultTuning}
	o.tuning.crowded = 2
	s, err := Open(filepath.Join(t.TempDir(), "lf.db"), w.Network, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mine := newEntry(w.make(spec{sels: []sel{{"mine", 0}}})).composite
	put := func(s *Store, r *protocol.Record) {
		t.Helper()
		if err := s.change(t.Context(), func(t *tx) error {
			e := newEntry(r)
			e.composite = mine
			return t.put(e, 0, new(Result))
		}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string, owner int, at uint64, kind protocol.Type) *protocol.Record {
		s := spec{at: at, owner: owner, sels: []sel{{name, 0}}, kind: kind}
		if kind == protocol.TypeDatum {
			s.value = fmt.Sprintf("%d at %d", owner, at)
		}
		return w.make(s)
	}
	datum, release := protocol.TypeDatum, protocol.TypeRelease
	put(s, at("other", 0, 1, datum)) // before the key is crowded
	put(s, at("mine", 0, 2, datum))
	put(s, at("mine", 1, 3, datum))
	put(s, at("mine", 2, 4, datum))
	newer := at("other", 1, 90, datum) // than what counts
	put(s, newer)
	heavy := spec{at: 91, owner: 9, sels: []sel{{"heavy", 0}}, value: "v", links: []*protocol.Record{newer}}
	mustPut(t, s, w.make(heavy), Attached) // the other claim is the heaviest
	put(s, at("other", 2, 91, release))
	put(s, at("other", 3, 92, datum)) // an owner who claims the other one alone
	put(s, at("other", 4, 93, release))
	put(s, at("mine", 4, 5, datum)) // not withdrawn by that
	settleRanks(t, s, nil)
	q := Query{Where: []Range{w.where("mine", 0, 0)}, Policy: onlyNewest, Explain: true}
	x := s.newSearch(context.Background(), q)
	if err := s.read(t.Context(), x.run); err != nil || x.rowsUsed != 1 {
		t.Fatal(err, x.rowsUsed)
	}
	a := x.answers.Keys[0]
	if len(a.Claims) != 4 || a.Total != 4 {
		t.Fatalf("%d claims of %d", len(a.Claims), a.Total)
	}
	for i, want := range []uint64{5, 4, 3, 2} {
		if have := a.Claims[i].Record.Timestamp - testTime; have != want {
			t.Errorf("claim %d is of time %d, want %d", i, have, want)
		}
		if weight := a.Claims[i].Standing.Weight; weight != 1 {
			t.Errorf("claim %d has weight %d, want 1", i, weight)
		}
	}
}

// TestMigrateClaims opens a file from before rows were kept: they are written in the background,
// across a restart, and answers are the same meanwhile.
func TestMigrateClaims(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 7)
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	r.s.o.tuning.crowded = 1000
	var err error
	if r.s.Store, err = Open(r.s.path, r.Network, r.s.o); err != nil {
		t.Fatal(err)
	}
	chain := r.certificate(1, r.always(t, r.ca, 5))
	records := []*protocol.Record{chain}
	for owner := range 40 {
		records = append(records, r.full(spec{at: uint64(100 + owner), owner: owner, sels: keyA, value: fmt.Sprint(owner)}))
	}
	records = append(records, r.full(spec{at: 200, owner: 6, sels: keyA, kind: protocol.TypeRelease}), r.full(spec{at: 201, owner: 7, sels: []sel{{"b", 0}}, value: "v", links: records[8:9]}))
	r.put(records...)
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	unpackAll(t, r.s.path, r.Network)
	change(t, r.s.path, withoutRuns+withoutWaits+`DROP TABLE late_releases; DROP TABLE crowded; DROP TABLE claims; DROP TABLE unlinked; DROP TABLE issued; DROP TABLE elected; DROP TABLE rank_jobs;
		DROP INDEX roots_lead; DROP INDEX roots_quiet; ALTER TABLE roots DROP COLUMN epoch; ALTER TABLE roots DROP COLUMN quiet; ALTER TABLE roots DROP COLUMN lead;
		PRAGMA user_version = 5`)
	r.s.o.tuning.crowded = 2
	for range 3 {
		if r.s.Store, err = Open(r.s.path, r.Network, r.s.o); err != nil {
			t.Fatal(err)
		}
		r.mustAgree("5", 39, Query{})
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if r.s.Store, err = Open(r.s.path, r.Network, r.s.o); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for r.byRows == 0 {
		if r.mustAgree("5", 39, Query{}); time.Now().After(deadline) {
			t.Fatal("the rows are not written")
		}
	}
	r.byRows, r.answers = 0, 0
	r.mustAnswer("7", 39, Query{Policy: protocol.Policy{protocol.CriterionWeight}})
	r.put(r.revocation(300, ownerCA, r.revoke(t, r.ca, chain.ValueBytes(), 0, 0)))
	r.mustAnswer("7", 39, Query{})
}

// TestRanksWithDamage: a damaged record keeps nobody from writing. Its claim's row is left until
// the record is repaired, and until then all claims are ranked.
func TestRanksWithDamage(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 8)
	first := r.full(spec{at: 10, owner: 1, sels: keyA, value: "first"})
	r.put(r.full(spec{at: 9, sels: keyA, value: "other"}), first, r.full(spec{at: 11, owner: 2, sels: keyA, value: "third"}))
	r.mustAnswer("third", 3, Query{Policy: onlyNewest})
	if err := r.s.change(t.Context(), func(t *tx) error {
		idx, err := t.index(first.ID())
		return errors.Join(err, t.setRecord(idx, make([]byte, 100), first.ValueBytes()))
	}); err != nil {
		t.Fatal(err)
	}
	// its row has to be worked out again
	r.put(r.full(spec{at: 5, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	settleRanks(t, r.s.Store, nil)
	x := r.s.newSearch(t.Context(), Query{Where: []Range{r.where("a", 0, 0)}, Policy: onlyNewest})
	if err := r.s.read(t.Context(), x.run); err != nil || x.rowsUsed > 0 {
		t.Fatal(err, x.rowsUsed)
	}
	if repaired, err := r.s.Repair(t.Context(), first); !repaired || err != nil {
		t.Fatal(repaired, err)
	}
	r.byRows, r.answers = 0, 0
	r.mustAnswer("third", 3, Query{Policy: onlyNewest, Explain: true})
}
