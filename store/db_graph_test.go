package store

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/dag"
)

// bare makes a record of a type that is never answered, unsigned, with some effort: the store
// verifies neither. It is cheap, so that graphs can be large.
func bare(at uint64, effort uint32, links ...protocol.ID) *protocol.Record {
	h := protocol.Header{Version: protocol.Version, Type: 9, Timestamp: testTime + at, Links: slices.Clone(links)}
	slices.SortFunc(h.Links, protocol.ID.Compare)
	if effort > 0 {
		h.Work = &protocol.Work{Effort: effort}
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for i := range h.Owner {
		h.Owner[i] = byte(rng.Uint32())
	}
	r, err := protocol.NewRecord(h, nil)
	if err != nil {
		panic(err)
	}
	return r
}

// drawGraph makes a random graph: links to recent records and to ancient ones, branches, and work
// of all sizes.
func drawGraph(t *rapid.T, w *world) []*protocol.Record {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "graph"), 0))
	all := slices.Clone(w.Genesis())
	width := 1 + rng.IntN(20)
	for range rapid.IntRange(1, 150).Draw(t, "records") {
		at := uint64(0)
		links := map[protocol.ID]bool{}
		for range 2 + rng.IntN(3) {
			from := all[max(0, len(all)-width):]
			if rng.IntN(10) == 0 {
				from = all
			}
			l := from[rng.IntN(len(from))]
			links[l.ID()], at = true, max(at, l.Timestamp-testTime)
		}
		var ids []protocol.ID
		for id := range links {
			ids = append(ids, id)
		}
		effort := uint32(0)
		if rng.IntN(2) == 0 {
			effort = uint32(rng.IntN(1 << rng.IntN(30)))
		}
		all = append(all, bare(at+uint64(rng.IntN(3)), effort, ids...))
	}
	return all[len(w.Genesis()):]
}

// weightsByHand adds up weights from the records alone. The work of each record goes to it and to
// all of its ancestors.
func weightsByHand(w *world, records []*protocol.Record) map[protocol.ID]uint64 {
	byID := map[protocol.ID]*protocol.Record{}
	all := append(slices.Clone(w.Genesis()), records...)
	for _, r := range all {
		byID[r.ID()] = r
	}
	weights := map[protocol.ID]uint64{}
	for _, r := range all {
		work := uint64(1)
		if r.Type != protocol.TypeGenesis {
			work = max(1, uint64(r.Effort()))
		}
		seen := map[protocol.ID]bool{r.ID(): true}
		for queue := []protocol.ID{r.ID()}; len(queue) > 0; queue = queue[1:] {
			weights[queue[0]] += work
			for _, l := range byID[queue[0]].Links {
				if !seen[l] {
					seen[l], queue = true, append(queue, l)
				}
			}
		}
	}
	return weights
}

// graphState is all that must outlive a restart.
type graphState struct {
	seen   map[protocol.ID]int64
	tips   map[int64]int64 // reputable, by index
	weight map[protocol.ID]uint64
}

func stateOf(t testing.TB, s *Store) graphState {
	t.Helper()
	g := graphState{map[protocol.ID]int64{}, map[int64]int64{}, map[protocol.ID]uint64{}}
	err := s.read(context.Background(), func(c *conn) error {
		if err := c.eachInGraph(0, math.MaxInt64, func(idx int64, b *blocks.Graph) error {
			n := b.Node(idx)
			g.seen[n.ID], g.weight[n.ID] = n.Seen, c.weight(idx)
			return nil
		}); err != nil {
			return err
		}
		if err := c.each(func(r *rows) error {
			g.seen[protocol.ID(r.blob(0))] = r.int(1)
			return nil
		}, "SELECT id, seen FROM pending"); err != nil {
			return err
		}
		return c.each(func(r *rows) error {
			g.tips[r.int(0)] = r.int(1)
			return nil
		}, "SELECT idx, reputable FROM tips")
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g graphState) mustBe(t testing.TB, want graphState) {
	t.Helper()
	mustBeEqual(t, "seen", g.seen, want.seen)
	mustBeEqual(t, "tips", g.tips, want.tips)
	mustBeEqual(t, "weights", g.weight, want.weight)
}

func mustBeEqual[K, V comparable](t testing.TB, what string, have, want map[K]V) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: %d, want %d", what, len(have), len(want))
	}
	for k, v := range want {
		if have[k] != v {
			t.Fatalf("%s of %v: %v, want %v", what, k, have[k], v)
		}
	}
}

var errInjected = errors.New("injected")

// disturb has a batch fail after the changes of one that puts records: before the commit or in it.
func disturb(t testing.TB, s *Store, records []*protocol.Record, inCommit bool) {
	t.Helper()
	err := s.change(context.Background(), func(t *tx) error {
		for _, r := range records {
			if err := t.put(newEntry(r), 0, &Result{}); err != nil {
				return err
			}
		}
		if !inCommit {
			return errInjected
		}
		return t.script(`CREATE TABLE parents (id INTEGER PRIMARY KEY);
			CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED); INSERT INTO children VALUES (1)`)
	})
	if err == nil {
		t.Fatal("the batch did not fail")
	}
}

// TestWeights puts random graphs in random orders, with restarts and failures on the way. It
// compares the weights with those that are added up from the records.
func TestWeights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	cases := 0
	rapid.Check(t, func(rt *rapid.T) {
		records := drawGraph(rt, w)
		order := shuffled(rt, records)
		cases++
		path := filepath.Join(dir, time.Duration(cases).String())
		files := fileTuning{}
		if rapid.Bool().Draw(rt, "in a file") {
			files = fileTuning{least: 1, every: 8}
		}
		open := func() *Store {
			s, err := Open(path, w.Network, Options{volatile: true, files: files})
			if err != nil {
				rt.Fatal(err)
			}
			return s
		}
		s := open()
		for len(order) > 0 {
			n := rapid.IntRange(1, len(order)).Draw(rt, "batch")
			before := stateOf(t, s)
			disturb(t, s, order[:n], rapid.Bool().Draw(rt, "in commit"))
			stateOf(t, s).mustBe(t, before)
			for _, r := range order[:n] {
				mustPutAny(t, s, r)
			}
			order = order[n:]
			before = stateOf(t, s)
			mustBeSound(t, s)
			s.Close()
			s = open()
			stateOf(t, s).mustBe(t, before)
		}
		mustBeEqual(t, "weights", stateOf(t, s).weight, weightsByHand(w, records))
		mustBeSound(t, s)
		for id, weight := range stateOf(t, s).weight {
			if _, info, err := s.Get(rt.Context(), id); err != nil || info.Weight != weight {
				rt.Fatalf("%+v, %v; want weight %d", info, err, weight)
			}
		}
		s.Close()
	})
}

func mustPutAny(t testing.TB, s *Store, r *protocol.Record) Result {
	t.Helper()
	result, err := s.Put(context.Background(), r, 0)
	if err != nil || result.Outcome == Refused {
		t.Fatal(result, err)
	}
	return result
}

// TestLateMainParent has a record wait for the heavier of its links: its place is the one that it
// would have had at once.
func TestLateMainParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()}
	light := bare(1, 5, g...)
	heavy := bare(1, 500, g...)
	above := bare(2, 1, g[0], heavy.ID())
	child := bare(3, 7, light.ID(), above.ID())
	grandchild := bare(4, 1, light.ID(), child.ID())
	s := openTest(t, w, Options{})
	for _, r := range []*protocol.Record{light, grandchild, child, above, heavy} {
		mustPutAny(t, s, r)
	}
	// The last genesis record links the first.
	want := map[protocol.ID]uint64{light.ID(): 5 + 7 + 1, heavy.ID(): 500 + 1 + 7 + 1, above.ID(): 1 + 7 + 1, child.ID(): 8, grandchild.ID(): 1,
		g[0]: 1 + 5 + 500 + 1 + 7 + 1 + 1, g[1]: 1 + 5 + 500 + 1 + 7 + 1}
	have := stateOf(t, s)
	mustBeEqual(t, "weights", have.weight, want)
	var node dag.Record
	_, info, err := s.Get(t.Context(), child.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.read(t.Context(), func(c *conn) error {
		place, _, err := c.nodeAt(int64(info.Index))
		return errors.Join(err, readNode(&node, int64(info.Index), place))
	}); err != nil {
		t.Fatal(err)
	}
	if main := node.Main; have.weight[above.ID()] != s.dag.Weight(main) || len(node.Mergeset) != 1 {
		t.Errorf("main parent %d, mergeset %v", main, node.Mergeset)
	}
	order := []*protocol.Record{light, grandchild, child, above, heavy}
	for i := range order[1:] {
		if have.seen[order[i].ID()] >= have.seen[order[i+1].ID()] {
			t.Errorf("record %d was seen at %d, the next at %d", i, have.seen[order[i].ID()], have.seen[order[i+1].ID()])
		}
	}
}

// TestSeen sets the clock forth and back: what is seen later is later. Records count from their
// arrival, pending ones too; held ones from when they are put; evicted ones from when they come
// again.
func TestSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.UnixMilli(testTime)
	path := filepath.Join(t.TempDir(), "lf.db")
	options := Options{Clock: func() time.Time { return now }, MaxPending: Limits{Records: 1}}
	s, err := Open(path, w.Network, options)
	if err != nil {
		t.Fatal(err)
	}
	chain := w.chain(6)
	held := w.make(spec{at: 9})
	mustPut(t, s, chain[0], Attached)
	now = now.Add(time.Hour)
	mustPut(t, s, chain[5], Pending)
	mustPut(t, s, chain[4], Pending) // 5 is evicted
	mustHold(t, s, held, testTime+9, Held)
	mustPut(t, s, chain[1], Attached)
	now = now.Add(-2 * time.Hour)
	for _, i := range []int{2, 3, 5} {
		mustPut(t, s, chain[i], Attached)
	}
	if _, _, err := s.Release(t.Context(), testTime+10); err != nil {
		t.Fatal(err)
	}
	state := stateOf(t, s)
	hour := time.UnixMilli(testTime).Add(time.Hour).UnixMicro()
	for i, want := range map[int]int64{4: hour + 1, 1: hour + 2, 2: hour + 3, 3: hour + 4, 5: hour + 5} {
		if have := state.seen[chain[i].ID()]; have != want {
			t.Errorf("record %d was seen %d µs after the hour, want %d", i, have-hour, want-hour)
		}
	}
	if have := state.seen[held.ID()]; have != hour+6 {
		t.Errorf("the held record was seen %d µs after the hour", have-hour)
	}
	if have := state.seen[chain[0].ID()]; have >= hour {
		t.Errorf("the first was seen %d µs after the hour", have-hour)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, w, path, options)
	more := w.make(spec{at: 99})
	mustPut(t, s, more, Attached)
	if have := stateOf(t, s).seen[more.ID()]; have != hour+7 {
		t.Errorf("after a restart: %d µs after the hour", have-hour)
	}
}

// fork puts two branches of n records each, which have nothing but the genesis in common, and
// returns their tips.
func fork(t testing.TB, s *Store, w *world, n int) (a, b *protocol.Record) {
	t.Helper()
	g := []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()}
	var tips [2]*protocol.Record
	if err := s.change(t.Context(), func(tx *tx) error {
		for i := range tips {
			last := g
			for at := range n {
				tips[i] = bare(uint64(at)+1, 0, last...)
				last = []protocol.ID{last[1], tips[i].ID()}
				if _, err := tx.attach(newEntry(tips[i])); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tips[0], tips[1]
}

// TestMergeset puts records at the bound and beyond it, at once and after waiting, with what waits
// for them.
func TestMergeset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	a, b := fork(t, s, w, protocol.MaxMergeset)
	a2 := bare(5000, 1, w.Genesis()[0].ID(), a.ID())
	mustPut(t, s, a2, Attached)
	fits := bare(6000, 1, a2.ID(), b.ID())
	mustPut(t, s, fits, Attached)

	s = openTest(t, w, Options{volatile: true})
	a, b = fork(t, s, w, protocol.MaxMergeset+1)
	late := bare(5000, 100, w.Genesis()[0].ID(), a.ID())
	wide := bare(6000, 1, late.ID(), b.ID())
	child := bare(7000, 1, a.ID(), wide.ID())
	mustPut(t, s, child, Pending)
	mustPut(t, s, wide, Pending)
	if r := mustPut(t, s, late, Attached); len(r.Attached) != 1 {
		t.Fatalf("attached %v", r.Attached)
	}
	r := mustPut(t, s, wide, Refused)
	var invalid *protocol.InvalidError
	if !errors.As(r.Err, &invalid) || invalid.Rule != protocol.RuleMergeset {
		t.Fatal(r.Err)
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.Pending != 0 || stats.DroppedPending != 2 {
		t.Fatalf("%+v, %v", stats, err)
	}
}

// TestReputation puts records under few keys while the clock jumps about, so that some come late
// and some do not. The check compares each tip's mark with what all versions say.
func TestReputation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "clock"), 0))
		drift := int64(w.Params().ClockDrift)
		clock := func() time.Time { return time.UnixMilli(testTime + rng.Int64N(3*drift)) }
		s := rapidStore(t, w, Options{volatile: true, Clock: clock})
		putShuffled(t, s, drawRecords(t, w))
	})
}
