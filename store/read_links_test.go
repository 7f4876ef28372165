package store

import (
	"fmt"
	"math"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// writes has a number of writers take links before any of them publishes, and returns their
// records.
func writes(t testing.TB, s *Store, w *world, writers int, now uint64) (records []*protocol.Record) {
	t.Helper()
	for range writers {
		links, err := s.Links(t.Context(), LinksQuery{Count: 2, Now: now})
		if err != nil || len(links.IDs) < 2 || links.Newest > now {
			t.Fatalf("%+v, %v", links, err)
		}
		records = append(records, bare(now-testTime, 100, links.IDs...))
	}
	for _, r := range records {
		mustPut(t, s, r, Attached)
	}
	return records
}

func (s *Store) isAncestor(t testing.TB, a, b protocol.ID) (is bool) {
	t.Helper()
	if err := s.read(t.Context(), func(c *conn) error {
		x, err := c.index(a)
		if err != nil {
			return err
		}
		y, err := c.index(b)
		is = c.isAncestor(x, y)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return is
}

// TestLinksHeal puts two branches of a hundred thousand records each beside one another. A writer
// that uses the links that are offered then merges them in steps, each as long as the rule of the
// mergeset allows.
func TestLinksHeal(t *testing.T) {
	t.Parallel()
	for writers, n := range map[int]int{1: 100_000, 4: 10_000} {
		t.Run(fmt.Sprintf("writers=%d", writers), func(t *testing.T) {
			// one goroutine does it all: the race detector would learn nothing from the rest
			switch {
			case testing.Short():
				n = 5000
			case raceEnabled:
				n = min(n, 20_000)
			}
			w := newWorld(t)
			s := openTest(t, w, Options{volatile: true})
			a, b := fork(t, s, w, n)
			steps := (n + protocol.MaxMergeset - 1) / protocol.MaxMergeset
			rounds := 0
			for now := uint64(testTime + n + 1); ; now++ {
				rounds++
				last := writes(t, s, w, writers, now)
				if s.isAncestor(t, a.ID(), last[0].ID()) && s.isAncestor(t, b.ID(), last[0].ID()) {
					break
				}
				if rounds > 4*steps+20 {
					t.Fatalf("not merged after %d rounds of %d writers", rounds, writers)
				}
			}
			t.Logf("%d and %d merged by %d records of %d writers; by the bound alone %d", n, n, rounds*writers, writers, steps)
		})
	}
}

// TestLinksStarve has a squatter publish beside honest writers. A claim that comes second under a
// key is never offered, and a good one is absorbed at once. Where there is nothing but disreputable
// tips, writing goes on.
func TestLinksStarve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	good := w.make(spec{at: 1, sels: []sel{{"name", 0}}, value: "good"})
	mustPut(t, s, good, Attached)
	bad := map[protocol.ID]bool{}
	squat := func(at uint64, links ...*protocol.Record) {
		t.Helper()
		r := w.make(spec{at: at, owner: 1, links: links, sels: []sel{{"name", 0}}, value: "bad"})
		mustPut(t, s, r, Attached)
		bad[r.ID()] = true
	}
	// It takes all there is for its own: then only its tip is left.
	squat(2, w.Genesis()[1], good)
	squat(3, w.Genesis()[1], good)
	for _, count := range []int{2, 5} {
		links, err := s.Links(t.Context(), LinksQuery{Count: count, Now: testTime + 5})
		if err != nil || len(links.IDs) < 2 {
			t.Fatalf("%+v, %v", links, err)
		}
		for _, l := range links.IDs {
			if bad[l] {
				t.Fatal("a disreputable tip was offered")
			}
		}
	}
	rounds := map[protocol.ID]int{}
	var open []*protocol.Record
	for round := range 60 {
		at := uint64(10 + round)
		squat(at, w.Genesis()[1], good)
		fresh := writes(t, s, w, 5, testTime+at)
		for _, r := range fresh {
			for _, l := range r.Links {
				if bad[l] {
					t.Fatal("a disreputable tip was linked")
				}
			}
		}
		still := fresh
		for _, r := range open {
			if !s.isAncestor(t, r.ID(), fresh[0].ID()) && s.isTip(t, r.ID()) {
				rounds[r.ID()]++
				still = append(still, r)
			}
		}
		open = still
	}
	for id, n := range rounds {
		if n > 25 {
			t.Errorf("a good record, %s, stayed a tip for %d rounds", id, n)
		}
	}
	if len(open) > 25 {
		t.Errorf("%d good records are tips", len(open))
	}
	for id := range bad {
		if !s.isTip(t, id) {
			t.Error("a disreputable record was absorbed")
		}
	}
}

func (s *Store) isTip(t testing.TB, id protocol.ID) (is bool) {
	t.Helper()
	if err := s.read(t.Context(), func(c *conn) error {
		idx, err := c.index(id)
		if err == nil {
			is, err = c.one(nil, "SELECT 1 FROM tips WHERE idx = ?", idx)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return is
}

// TestLinksOnlySquatters fills a store with more disreputable tips than are looked through: there
// is always something to link.
func TestLinksOnlySquatters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	good := w.make(spec{at: 1, sels: []sel{{"name", 0}}, value: "good"})
	mustPut(t, s, good, Attached)
	for i := range recentRecords + 50 {
		mustPut(t, s, w.make(spec{at: 2 + uint64(i), owner: 1, links: []*protocol.Record{w.Genesis()[1], good}, sels: []sel{{"name", 0}}}), Attached)
	}
	links, err := s.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + 1_000_000})
	if err != nil || len(links.IDs) != 2 || links.Newest != testTime {
		t.Fatalf("%+v, %v; want the genesis", links, err)
	}
}

// TestLinksSpread counts how often each of many tips is offered.
func TestLinksSpread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	const tips, draws = 40, 4000
	for i := range tips {
		mustPut(t, s, w.make(spec{at: uint64(i), owner: i, sels: []sel{{"name", uint64(i)}}}), Attached)
	}
	count := map[protocol.ID]int{}
	for range draws {
		links, err := s.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + 1000})
		if err != nil || len(links.IDs) != 2 {
			t.Fatal(links, err)
		}
		for _, l := range links.IDs {
			count[l]++
		}
	}
	mean := 2.0 * draws / tips
	if len(count) != tips {
		t.Fatalf("%d of %d tips were offered", len(count), tips)
	}
	for id, n := range count {
		if math.Abs(float64(n)-mean) > 6*math.Sqrt(mean) { // chance: 1 in 10^7
			t.Errorf("%s was offered %d times, want about %.0f", id, n, mean)
		}
	}
}

// BenchmarkLinksFewTips asks for two links where there is one tip, so that the latest records are
// looked through.
func BenchmarkLinksFewTips(b *testing.B) {
	w := newWorld(b)
	s := openTest(b, w, Options{volatile: true})
	mustPutAll(b, s, w.chain(1000), make([]uint64, 1000))
	for b.Loop() {
		links, err := s.Links(b.Context(), LinksQuery{Count: 2, Now: testTime + 2000})
		if err != nil || len(links.IDs) != 2 {
			b.Fatalf("%+v, %v", links, err)
		}
	}
}
