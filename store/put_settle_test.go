package store

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// mustSettle waits until all that waits for what has come was told. Each change has the writer do a
// portion of it.
func mustSettle(t testing.TB, s *Store) {
	t.Helper()
	for left := int64(1); left > 0; {
		if err := s.change(context.Background(), func(tx *tx) (err error) {
			left, err = tx.number("SELECT count(*) FROM settled")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if left > 0 {
			runtime.Gosched()
		}
	}
}

// crowdOn makes n records that wait for one, which another record of theirs waits for as well.
func crowdOn(w *world, root *protocol.Record, n int) (crowd []*protocol.Record, last *protocol.Record) {
	for i := range n {
		crowd = append(crowd, bare(uint64(100+i), 0, w.Genesis()[0].ID(), root.ID()))
	}
	last = bare(uint64(100+n), 0, crowd[0].ID(), crowd[n-1].ID())
	return crowd, last
}

func putCrowd(t *testing.T, s *Store, crowd []*protocol.Record) {
	t.Helper()
	results, err := s.PutAll(t.Context(), crowd, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome != Pending {
			t.Fatalf("%+v", r)
		}
	}
}

// TestSettleInPortions has thousands of records wait for one: they attach in portions, and what
// this node's users write comes between these. Of each record it is told once that it attached,
// parents first.
func TestSettleInPortions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	const n = 4000
	root := w.make(spec{at: 1})
	crowd, last := crowdOn(w, root, n)
	putCrowd(t, s, append(crowd, last))
	own := w.make(spec{at: 2, owner: 1})
	var mu sync.Mutex
	var commits []int // how many each attached
	at := map[protocol.ID]int{}
	var writing sync.WaitGroup
	defer s.Follow(func(items []Item) {
		mu.Lock()
		defer mu.Unlock()
		for _, item := range items {
			if at[item.ID] != 0 {
				t.Errorf("record %s attached twice", item.ID)
			}
			at[item.ID] = len(at) + 1
		}
		if commits = append(commits, len(items)); len(commits) == 1 { // with the root
			writing.Go(func() {
				if r, err := s.Submit(context.Background(), own, 0); err != nil || r.Outcome != Attached {
					t.Errorf("%+v, %v", r, err)
				}
			})
			for len(s.own) == 0 {
				runtime.Gosched()
			}
		}
	})()
	first := len(mustPut(t, s, root, Attached).Attached)
	writing.Wait()
	mustSettle(t, s)
	mu.Lock()
	defer mu.Unlock()
	if first != commits[0] {
		t.Errorf("%d attached at once, %d told", first, commits[0])
	}
	if behind := at[own.ID()] - commits[0]; behind > settleSteps {
		t.Errorf("the own write is behind %d records that attached since it came", behind)
	}
	if len(at) != n+3 {
		t.Errorf("%d attached, want %d", len(at), n+3)
	}
	if most := slices.Max(commits); most > settleSteps/2 {
		t.Errorf("%d records attached in one transaction", most)
	}
	if at[last.ID()] < at[crowd[0].ID()] || at[last.ID()] < at[crowd[n-1].ID()] {
		t.Error("a record is before its parents")
	}
}

// TestSettleAfterRestart ends a store between two portions. The database is sound then, and the
// next start goes on.
func TestSettleAfterRestart(t *testing.T) {
	t.Parallel()
	const n = 3000
	for name, invalid := range map[string]bool{"attached": false, "invalid": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := filepath.Join(t.TempDir(), "lf.db")
			s, err := Open(path, w.Network, Options{volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			young := w.make(spec{at: 50})
			root := w.make(spec{at: 60, links: []*protocol.Record{w.Genesis()[0], young}})
			if invalid {
				root = w.make(spec{at: 40, links: []*protocol.Record{w.Genesis()[0], young}})
			}
			crowd, last := crowdOn(w, root, n)
			mustPut(t, s, young, Attached)
			putCrowd(t, s, append(crowd, last))
			want := Attached
			if invalid {
				want = Refused
			}
			stopAfter(t, s, root, want)
			summary, err := CheckFile(t.Context(), path, w.Network, func(problem string) { t.Error(problem) })
			if err != nil || summary.Pending == 0 || summary.Pending >= n {
				t.Fatalf("between two portions: %+v, %v", summary, err)
			}
			s = openAt(t, w, path, Options{volatile: true})
			if missing, err := s.Missing(t.Context(), 10); err != nil || len(missing) > 0 {
				t.Errorf("missing %v, %v", missing, err)
			}
			late := bare(uint64(200+n), 0, w.Genesis()[0].ID(), root.ID())
			if r, err := s.Put(t.Context(), late, 0); err != nil || len(r.Missing) > 0 {
				t.Errorf("%+v, %v", r, err)
			}
			mustSettle(t, s)
			stats, err := s.Stats(t.Context())
			if attached := uint64(3 + btoi(!invalid)*(n+3)); err != nil || stats.Attached != attached || stats.Pending > uint64(btoi(invalid)) {
				t.Errorf("%+v, %v, want %d attached", stats, err, attached)
			}
		})
	}
}

// stopAfter puts a record, and closes the store as soon as that is done, when something is left to
// be settled.
func stopAfter(t *testing.T, s *Store, r *protocol.Record, want Outcome) {
	t.Helper()
	free := busy(t, s)
	done, closed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(done)
		if result, err := s.Submit(context.Background(), r, 0); err != nil || result.Outcome != want {
			t.Errorf("%+v, %v", result, err)
		}
	}()
	for len(s.own) == 0 { // in the other queue are the store's own changes too
		runtime.Gosched()
	}
	go func() { closed <- s.Close() }()
	<-s.quit
	free()
	<-done
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if !s.unsettled {
		t.Fatal("all was done at once")
	}
}

// TestPendingIsCounted has records wait that link what nobody has: their queue is bounded by what
// they take on the disk.
func TestPendingIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	size := func() int64 {
		n, err := readNumber(s, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, links := range []int{2, protocol.MaxLinks} {
		before := size()
		counted, err := readNumber(s, "SELECT pending_bytes FROM meta")
		if err != nil {
			t.Fatal(err)
		}
		var crowd []*protocol.Record
		for i := range 2000 {
			crowd = append(crowd, bare(uint64(100+i), 0, inventedLinks(links)...))
		}
		putCrowd(t, s, crowd)
		now, err := readNumber(s, "SELECT pending_bytes FROM meta")
		if counted, grown := now-counted, size()-before; err != nil || counted < grown*4/5 || counted > grown*5/4 {
			t.Errorf("%d links: counted as %d bytes, they took %d, %v", links, counted, grown, err)
		}
	}
}

// TestHeldNearestFirst fills the queue of records ahead of the clock with records a day ahead. A
// record that lies minutes ahead has its place nevertheless. Those furthest ahead make way, and
// before all others those that are not known to be paid.
func TestHeldNearestFirst(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	s := openTest(t, w.world, Options{MaxHeld: Limits{Records: 4}})
	absent := w.full(spec{at: 1, owner: 0, sels: []sel{{"n0", 0}}})
	const minute, day = 60_000, 86_400_000
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
	for i := range uint64(4) {
		mustHold(t, s, dear(i), day+i, Held)
	}
	if r := mustHold(t, s, dear(4), day+4, Refused); !errors.Is(r.Err, ErrHeldFull) {
		t.Errorf("further ahead than all: %v", r.Err)
	}
	mustHold(t, s, dear(5), minute, Held)
	here("the one furthest ahead", dear(3), 0)
	here("the next", dear(2), Held)
	if r := mustHold(t, s, cheap(0), minute, Refused); !errors.Is(r.Err, ErrHeldFull) {
		t.Errorf("not paid: %v", r.Err)
	}
	mustPut(t, s, dear(0), Pending)
	mustHold(t, s, cheap(1), minute, Held) // there is room
	// it makes way for what is paid, however far that is ahead
	mustHold(t, s, dear(6), 2*day, Held)
	here("the one that is not paid", cheap(1), 0)
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Held != 4 || stats.DroppedHeld != 4 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// TestReleaseInPortions has many records' time come at once.
func TestReleaseInPortions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	const n = 5*releaseRecords + 1
	for i := range n {
		mustHold(t, s, bare(uint64(100+i), 0, w.Genesis()[0].ID(), w.Genesis()[1].ID()), 5, Held)
	}
	most := 0
	defer s.Follow(func(items []Item) { most = max(most, len(items)) })()
	attached, missing, err := s.Release(t.Context(), 5)
	if err != nil || len(attached) != n || len(missing) != 0 || most > releaseRecords {
		t.Errorf("%d attached, %d at once, %d missing, %v", len(attached), most, len(missing), err)
	}
}
