package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// rootsTest is a store with one key that an honest owner claims, and others with many unrelated
// versions.
type rootsTest struct {
	*trustWorld
	t    *testing.T
	s    *Store
	last *protocol.Record
	rows int // the budget of a query, less than there are versions
}

const manyVersions = 600

func newRootsTest(t *testing.T) *rootsTest {
	t.Helper()
	r := &rootsTest{trustWorld: newTrustWorld(t, nil), t: t, rows: manyVersions / 2}
	r.s = openTest(t, r.world, Options{volatile: true})
	t.Cleanup(func() { mustBeSound(t, r.s) })
	r.last = r.full(spec{at: 10, sels: keyA, value: "honest"})
	r.put(r.last)
	r.grow(40)
	return r
}

func (r *rootsTest) put(records ...*protocol.Record) {
	r.t.Helper()
	results, err := r.s.PutAll(r.t.Context(), records, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, result := range results {
		if result.Outcome != Attached {
			r.t.Fatal(result.Outcome, result.Err)
		}
	}
}

// grow has the honest claim's branch go on.
func (r *rootsTest) grow(n int) {
	r.t.Helper()
	var chain []*protocol.Record
	for i := range n {
		at := r.last.Timestamp - testTime + 1
		r.last = r.full(spec{at: at, owner: 2, links: []*protocol.Record{r.last}, sels: []sel{{"other", at}}, value: fmt.Sprint(i)})
		chain = append(chain, r.last)
	}
	r.put(chain...)
}

// unrelated makes versions of an owner that do not build on each other. Each is later than the one
// before by a step.
func (r *rootsTest) unrelated(owner int, at, step int) (list []*protocol.Record) {
	for i := range manyVersions {
		list = append(list, worked(r.make(spec{at: uint64(at + i*step), owner: owner, sels: keyA, value: "mine"}), paid+uint32(i%7)))
	}
	return list
}

// merging makes records that link 8 each.
func (r *rootsTest) merging(list []*protocol.Record) (merging []*protocol.Record) {
	for group := range slices.Chunk(list, 8) {
		at := uint64(0)
		for _, l := range group {
			at = max(at, l.Timestamp-testTime)
		}
		merging = append(merging, r.full(spec{at: at, owner: 4, links: group, sels: []sel{{"merging", uint64(len(merging))}}, value: group[0].ID().String()}))
	}
	return merging
}

var rootsQueries = func() (list []Query) {
	for _, by := range everyCriterion {
		list = append(list, Query{Policy: protocol.Policy{by}})
	}
	return append(list, Query{}, Query{Explain: true})
}()

// ask answers with a budget that does not do for all roots, and compares that with what all of them
// say.
func (r *rootsTest) ask(q Query) (x *search, err error) {
	r.t.Helper()
	q.Where = []Range{r.where("a", 0, 0)}
	x, fully := r.s.newSearch(context.Background(), q), r.s.newSearch(context.Background(), q)
	x.budget, fully.rootsRead = r.rows, math.MaxInt
	if err := r.s.read(context.Background(), func(c *conn) error {
		if err := x.run(c); err != nil {
			return err
		}
		return fully.run(c)
	}); err != nil {
		return x, err
	}
	if have, want := idsOfAnswers(q, x.answers), idsOfAnswers(q, fully.answers); !reflect.DeepEqual(have, want) {
		r.t.Fatalf("query %+v\n have %+v\n want %+v", q, have, want)
	}
	return x, nil
}

// mustAnswer asks until the leads are low enough, which they become in the background.
func (r *rootsTest) mustAnswer() {
	r.t.Helper()
	for _, q := range rootsQueries {
		deadline := time.Now().Add(time.Minute)
		for {
			_, err := r.ask(q)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrTooBroad) || time.Now().After(deadline) {
				r.t.Fatalf("%+v: %v", q, err)
			}
		}
	}
	r.mustAnswerAtOnce()
}

func (r *rootsTest) mustAnswerAtOnce() {
	r.t.Helper()
	for _, q := range rootsQueries {
		x, err := r.ask(q)
		if err != nil {
			r.t.Fatal(err)
		}
		if q.Explain && x.leadsUsed == 0 {
			r.t.Error("no lead was used")
		}
	}
}

// TestManyRoots: an owner with many unrelated versions does not make a key unanswerable, in
// whatever order they come. Later records of the network change nothing about that.
func TestManyRoots(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]int{"in order": 1, "the newest first": -1} {
		t.Run(name, func(t *testing.T) {
			r := newRootsTest(t)
			versions := r.unrelated(1, 5000, step)
			r.put(versions...)
			if step > 0 {
				r.mustAnswerAtOnce()
			}
			r.mustAnswer()
			r.grow(200)
			r.mustAnswerAtOnce()
			r.put(r.full(spec{at: 9000, owner: 4, links: versions[300:301], sels: []sel{{"on", 0}}, value: "v"}))
			r.mustAnswer()
		})
	}
}

// TestManyRootsLinked has records link the versions, and honest ones build on these.
func TestManyRootsLinked(t *testing.T) {
	t.Parallel()
	r := newRootsTest(t)
	versions := r.unrelated(1, 1000, 1)
	r.put(versions...)
	merging := r.merging(versions[:400])
	r.put(merging...)
	r.mustAnswer()
	for list := merging; len(list) > 0; list = list[min(len(list), 8):] {
		r.last = r.full(spec{at: r.last.Timestamp - testTime + 2000, owner: 2, links: append([]*protocol.Record{r.last}, list[:min(len(list), 8)]...),
			sels: []sel{{"merge", r.last.Timestamp}}, value: "v"})
		r.put(r.last)
	}
	r.mustAnswer()
	r.grow(200)
	r.mustAnswerAtOnce()
}

// TestManyRootsOnDeadEnds has records link the versions, and nobody builds on these. Once the leads
// were low enough, later records cost nothing: the leads need not be lowered again. The claim loses
// to one that honest records build on, or wins over one that is light.
func TestManyRootsOnDeadEnds(t *testing.T) {
	t.Parallel()
	for _, claims := range []int{0, 40, 70} {
		for name, wins := range map[string]bool{"loses": false, "wins": true} {
			t.Run(fmt.Sprintf("%s to %d others", name, 1+claims), func(t *testing.T) {
				r := &rootsTest{trustWorld: newTrustWorld(t, nil), t: t, rows: manyVersions/2 + 4*claims}
				r.s = openIdle(t, t.TempDir()+"/lf.db", r.Network, Options{volatile: true})
				t.Cleanup(func() { r.s.Close() })
				t.Cleanup(func() { mustBeSound(t, r.s) })
				first := r.full(spec{at: 10, sels: keyA, value: "honest"})
				r.put(first)
				versions := r.unrelated(1, 1000, 1)
				r.put(versions...)
				r.put(r.merging(versions)...)
				for i := range claims {
					r.put(r.full(spec{at: uint64(3000 + i), owner: 20 + i, sels: keyA, value: "other"}))
				}
				if r.last = first; wins {
					r.last = r.full(spec{at: 1, owner: 2, sels: []sel{{"elsewhere", 0}}, value: "v"})
					r.put(r.last)
				}
				r.grow(40)
				if err := r.s.change(t.Context(), lowerAll); err != nil {
					t.Fatal(err)
				}
				for range 4 {
					r.grow(100)
					for _, q := range rootsQueries {
						if q.Explain {
							continue
						}
						if _, err := r.ask(q); err != nil {
							t.Fatalf("%+v: %v", q, err)
						}
					}
				}
			})
		}
	}
}

// TestManyRootsReleased: versions that a release withdraws cost nothing. One that comes late parts
// what is there.
func TestManyRootsReleased(t *testing.T) {
	t.Parallel()
	r := newRootsTest(t)
	r.put(r.unrelated(1, 1000, 1)...)
	r.put(r.full(spec{at: 3000, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	r.put(r.unrelated(1, 4000, 1)...)
	// 99 come after it
	r.put(r.full(spec{at: 4500, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	r.mustAnswer()
	r.put(r.full(spec{at: 6000, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	r.put(r.full(spec{at: 6001, owner: 1, sels: keyA, value: "again"}))
	for _, q := range rootsQueries {
		if _, err := r.ask(q); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyRootsReleasedLate: releases that come late, with very many versions after them, make a
// key unanswerable for a while only. The writer goes on with its work after a restart. Other late
// releases and versions come meanwhile.
func TestManyRootsReleasedLate(t *testing.T) {
	t.Parallel()
	r := newRootsTest(t)
	r.put(r.unrelated(1, 1000, 1)...)
	release := func(at uint64) {
		r.put(r.full(spec{at: at, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	}
	release(900)
	r.mustAnswer()
	r.put(r.full(spec{at: 1500, owner: 1, sels: keyA, value: "late"}))
	r.mustAnswerAtOnce()
	release(1100)
	release(1050)
	release(1200)
	r.put(r.full(spec{at: 1201, owner: 1, sels: keyA, value: "late"}))
	r.mustAnswer()
	mustBeSound(t, r.s)
}

// openIdle opens a store that does nothing in the background but write.
func openIdle(t *testing.T, path string, n *protocol.Network, o Options) *Store {
	t.Helper()
	s := newStore(path, n, o)
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	close(s.rankerDone)
	go s.write()
	return s
}

// TestLateReleaseInPortions follows the writer through the versions after late releases, across
// restarts. At no moment are the tables wrong, and the answers stay the same.
func TestLateReleaseInPortions(t *testing.T) {
	t.Parallel()
	r := newRankTest(t, nil, 3)
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	r.s.o.tuning.versionsParted, r.s.o.tuning.rootsCompared, r.s.o.tuning.crowded = 2, 4, 1000
	r.s.Store = openIdle(t, r.s.path, r.Network, r.s.o)
	version := func(at uint64, links ...*protocol.Record) *protocol.Record {
		return r.full(spec{at: at, owner: 1, sels: keyA, links: links, value: fmt.Sprint(at)})
	}
	r.put(r.full(spec{at: 5, owner: 2, sels: keyA, value: "other"}))
	var last, middle *protocol.Record
	for i := range 30 { // half of them are a chain, the others stand alone; some have the same time
		next := version(uint64(100 + i/2*10))
		if i%2 == 0 && last != nil {
			next = version(uint64(100+i/2*10), last)
		}
		if i%2 == 0 {
			last = next
		}
		if i == 10 {
			middle = next
		}
		r.put(next)
	}
	release := func(at uint64) { r.put(r.full(spec{at: at, owner: 1, sels: keyA, kind: protocol.TypeRelease})) }
	release(105)
	steps := 0
	for worked := true; worked; steps++ {
		if err := r.s.change(t.Context(), func(t *tx) (err error) {
			worked, err = t.lateStep()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		switch steps {
		case 1:
			r.put(version(111), version(235)) // before and after the place
		case 2:
			release(145) // after it
		case 3:
			release(117) // before it
		case 4:
			r.put(version(238, middle))
		}
		mustBeSound(t, r.s.Store)
		r.mustAgree("other", 2, Query{Policy: protocol.Policy{protocol.CriterionLocal}})
		r.mustAgree("240", 2, Query{Policy: onlyNewest})
		if steps%4 > 0 {
			continue
		}
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
		r.s.Store = openIdle(t, r.s.path, r.Network, r.s.o)
	}
	if steps < 8 {
		t.Errorf("it took %d steps", steps)
	}
	left, err := r.s.writer.one(nil, "SELECT 1 FROM roots WHERE walk = 1")
	if err != nil || left {
		t.Errorf("a mark is left (%v)", err)
	}
	// What is known again counts for the reputation of tips.
	r.put(r.full(spec{at: 300, owner: 3, sels: keyA, value: "third"}))
	mustBeSound(t, r.s.Store)
}

// TestManyRootsAmongMany has many others claim the key: all claims are read at once, or kept in
// rows. One of the others made many releases.
func TestManyRootsAmongMany(t *testing.T) {
	t.Parallel()
	for _, claims := range []int{40, 70} {
		r := newRootsTest(t)
		r.rows = manyVersions - 1
		r.put(r.unrelated(1, 1000, 1)...)
		var others []*protocol.Record
		for i := range claims {
			others = append(others, r.full(spec{at: uint64(3000 + i), owner: 20 + i, sels: keyA, value: "other"}))
		}
		for i := range manyVersions {
			others = append(others, r.full(spec{at: uint64(4000 + i), owner: 3, sels: keyA, kind: protocol.TypeRelease}))
		}
		r.put(append(others, r.full(spec{at: 5000, owner: 3, sels: keyA, value: "after many releases"}))...)
		r.mustAnswer()
	}
}

// TestManyRootsHidden: roots and releases that a revocation hides do not count, and roots that it
// leaves are as before.
func TestManyRootsHidden(t *testing.T) {
	t.Parallel()
	r := newRootsTest(t)
	mine := r.always(t, r.ca, 1)
	chain := r.certificate(20, mine)
	r.put(chain)
	versions := r.unrelated(1, 1000, 1)
	r.put(versions...)
	r.put(r.make(spec{at: 1400, owner: 1, sels: keyA, kind: protocol.TypeRelease, links: []*protocol.Record{chain}}),
		r.full(spec{at: 2000, owner: 4, sels: []sel{{"heavy", 0}}, links: versions[500:501], value: "v"}))
	hidden := r.make(spec{at: 3000, owner: 1, sels: keyA, links: []*protocol.Record{chain}, value: "rests"})
	on := r.full(spec{at: 3001, owner: 1, sels: keyA, links: []*protocol.Record{hidden}, value: "on it"})
	r.put(hidden, on, r.full(spec{at: 3002, owner: 4, sels: []sel{{"on", 0}}, links: []*protocol.Record{on}, value: "v"}))
	r.mustAnswer()
	r.put(r.revocation(4000, ownerCA, r.revoke(t, r.ca, mine, 0, 0)))
	settleRanks(t, r.s, nil)
	for _, q := range rootsQueries {
		q.Where = []Range{r.where("a", 0, 0)}
		x, fully := r.s.newSearch(t.Context(), q), r.s.newSearch(t.Context(), q)
		fully.rootsRead = math.MaxInt
		if err := errors.Join(r.s.read(t.Context(), x.run), r.s.read(t.Context(), fully.run)); err != nil {
			t.Fatal(err)
		}
		if have, want := idsOfAnswers(q, x.answers), idsOfAnswers(q, fully.answers); !reflect.DeepEqual(have, want) {
			t.Fatalf("query %+v\n have %+v\n want %+v", q, have, want)
		}
	}
}

// TestMigrateRoots opens a file from before roots were kept in order.
func TestMigrateRoots(t *testing.T) {
	t.Parallel()
	r := &rootsTest{trustWorld: newTrustWorld(t, nil), t: t, rows: manyVersions / 2}
	o := Options{volatile: true}
	path := t.TempDir() + "/lf.db"
	r.s = openIdle(t, path, r.Network, o)
	r.last = r.full(spec{at: 10, sels: keyA, value: "honest"})
	r.put(r.last)
	r.put(r.unrelated(1, 1000, 1)...)
	r.put(r.full(spec{at: 3000, owner: 1, sels: keyA, kind: protocol.TypeRelease}))
	r.put(r.unrelated(1, 4000, 1)...)
	r.put(r.unrelated(3, 4000, 1)...)
	r.put(r.full(spec{at: 4550, owner: 3, sels: keyA, kind: protocol.TypeRelease}))
	r.put(r.unrelated(5, 4000, 1)...)
	// 499 come after it
	r.put(r.full(spec{at: 4100, owner: 5, sels: keyA, kind: protocol.TypeRelease}))
	if _, err := r.ask(Query{}); !errors.Is(err, ErrTooBroad) {
		t.Errorf("with a mark: %v", err)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	unpackAll(t, path, r.Network)
	change(t, path, withoutRuns+withoutWaits+`DROP TABLE late_releases;
		DROP INDEX roots_lead; DROP INDEX roots_quiet; ALTER TABLE roots DROP COLUMN epoch; ALTER TABLE roots DROP COLUMN quiet;
		ALTER TABLE roots DROP COLUMN lead; PRAGMA user_version = 6`)
	var err error
	if r.s, err = Open(path, r.Network, o); err != nil {
		t.Fatal(err)
	}
	defer r.s.Close()
	mustBeSound(t, r.s)
	r.mustAnswer()
	mustBeSound(t, r.s)
}
