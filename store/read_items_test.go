package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// scanned returns all that a scan yields.
func scanned(t testing.TB, s *Store) (items []Item) {
	t.Helper()
	if err := s.Scan(context.Background(), func(chunk []Item) error {
		items = append(items, chunk...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return items
}

func itemOf(r *protocol.Record) Item { return Item{ID: r.ID(), Timestamp: r.Timestamp} }

// unnumbered are items without their indices.
func unnumbered(items []Item) (plain []Item) {
	for _, item := range items {
		item.Index = 0
		plain = append(plain, item)
	}
	return plain
}

func itemsOf(lists ...[]*protocol.Record) (items []Item) {
	for _, list := range lists {
		for _, r := range list {
			items = append(items, itemOf(r))
		}
	}
	return items
}

// TestScan scans stores whose sizes are about that of a chunk. Every attached record is there once,
// in the order of its index. Pending and held records are not.
func TestScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	genesis := len(w.Genesis())
	for _, n := range []int{0, 1, scanChunk - genesis - 1, scanChunk - genesis, scanChunk - genesis + 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s, err := Open(filepath.Join(t.TempDir(), "lf.db"), w.Network, Options{volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			want := itemsOf(w.Genesis())
			if err := s.change(t.Context(), func(tx *tx) error {
				for i := range n {
					r := bare(uint64(i+1), 1, want[len(want)-1].ID, want[len(want)-2].ID)
					if _, err := tx.attach(newEntry(r)); err != nil {
						return err
					}
					want = append(want, itemOf(r))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			orphan := w.make(spec{at: 9, links: w.chain(2)})
			mustPut(t, s, orphan, Pending)
			mustHold(t, s, w.make(spec{at: 8}), testTime*2, Held)
			have := scanned(t, s)
			if !slices.Equal(unnumbered(have), want) {
				t.Fatalf("%d items, want %d", len(have), len(want))
			}
			for i, item := range have {
				if item.Index != uint64(i+1) {
					t.Fatalf("item %d has the index %d", i, item.Index)
				}
			}
			for _, after := range []int{0, len(want) / 2, len(want) - 1, len(want), len(want) + 5} {
				some, err := s.ItemsAfter(t.Context(), uint64(after), make([]Item, 0, 7))
				if from := min(after, len(have)); err != nil || !slices.Equal(some, have[from:min(from+7, len(have))]) {
					t.Fatalf("after %d of %d: %d items, %v", after, len(have), len(some), err)
				}
			}
		})
	}
}

func TestScanStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	enough := errors.New("seen enough")
	if err := s.Scan(t.Context(), func([]Item) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Scan(ctx, func([]Item) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestFollow lets several put, hold and release records in a random order, while others begin to
// follow and then scan. By the one or the other, each hears of all that is attached. It hears of a
// record once from its following, and of parents first.
func TestFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(400)
	var group sync.WaitGroup
	order := rand.Perm(len(chain))
	for g := range 4 {
		group.Go(func() {
			for i := g; i < len(order); i += 4 {
				r := chain[order[i]]
				hold := uint64(0)
				if i%10 == 0 {
					hold = r.Timestamp
				}
				if result, err := s.Put(context.Background(), r, hold); err != nil || result.Outcome == Refused {
					t.Error(result, err)
				}
			}
		})
	}
	watchers := make([]*watcher, 5)
	for i := range watchers {
		watchers[i] = watch(t, s)
	}
	group.Wait()
	if _, _, err := s.Release(t.Context(), testTime*2); err != nil {
		t.Fatal(err)
	}
	for _, watcher := range watchers {
		watcher.cancel()
		watcher.verify(t, itemsOf(w.Genesis(), chain))
	}
}

// watcher is somebody who follows and then scans.
type watcher struct {
	cancel         func()
	followed, scan []Item
}

func watch(t *testing.T, s *Store) *watcher {
	w := &watcher{}
	w.cancel = s.Follow(func(items []Item) { w.followed = append(w.followed, items...) })
	w.scan = scanned(t, s)
	return w
}

func (w *watcher) verify(t *testing.T, want []Item) {
	t.Helper()
	at := map[protocol.ID]int{}
	for i, item := range w.followed {
		if _, twice := at[item.ID]; twice {
			t.Fatal("an item came twice")
		}
		at[item.ID] = i
	}
	all := map[Item]bool{}
	indices := map[uint64]protocol.ID{}
	for _, item := range slices.Concat(w.scan, w.followed) {
		if id, ok := indices[item.Index]; ok && id != item.ID {
			t.Fatalf("two items have the index %d", item.Index)
		}
		indices[item.Index] = item.ID
		item.Index = 0
		all[item] = true
	}
	for i, item := range want {
		if !all[item] {
			t.Fatalf("item %d of %d was neither scanned nor announced", i, len(want))
		}
		if i < 2 {
			continue
		}
		if child, ok := at[item.ID]; ok { // each item's parents are the two before it
			for _, parent := range want[i-2 : i] {
				if p, ok := at[parent.ID]; ok && p > child {
					t.Fatal("a child came before its parent")
				}
			}
		}
	}
	if len(all) != len(want) {
		t.Fatalf("%d items, want %d", len(all), len(want))
	}
}

// TestFollowSeesOnlyCommits has a change fail after it attached a record: nobody hears of that.
func TestFollowSeesOnlyCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	r := w.chain(1)[0]
	var heard []Item
	cancel := s.Follow(func(items []Item) { heard = append(heard, items...) })
	sick := errors.New("sick")
	if err := s.change(t.Context(), func(tx *tx) error {
		if _, err := tx.attach(newEntry(r)); err != nil {
			return err
		}
		return sick
	}); !errors.Is(err, sick) {
		t.Fatal(err)
	}
	// a commit that attaches nothing
	if err := s.Datastore().Put(t.Context(), keyOf("/k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 0 {
		t.Fatal("a record that was not committed was announced")
	}
	mustPut(t, s, r, Attached)
	if !slices.Equal(unnumbered(heard), []Item{itemOf(r)}) {
		t.Fatal("a record that was committed was not announced")
	}
	cancel()
	cancel() // does no harm
	mustPut(t, s, w.make(spec{at: 1}), Attached)
	if len(heard) != 1 {
		t.Fatal("announced to one who no longer follows")
	}
}

// TestByPrefix finds records in every state by beginnings of every length, and tells where one is
// not enough.
func TestByPrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(3)
	mustPut(t, s, chain[0], Attached)
	mustPut(t, s, chain[2], Pending)
	held := w.make(spec{at: 7})
	mustHold(t, s, held, testTime*2, Held)
	find := func(beginning []byte, want *protocol.Record, count int) {
		t.Helper()
		m, err := s.ByPrefix(t.Context(), [][]byte{beginning})
		if err != nil || m[0].Count != count || (m[0].Record == nil) != (want == nil) || want != nil && m[0].Record.ID() != want.ID() {
			t.Fatalf("%x: %+v, %v", beginning, m, err)
		}
	}
	for _, r := range []*protocol.Record{w.Genesis()[0], chain[0], chain[2], held} {
		id := r.ID()
		for n := prefixSize; n <= len(id); n++ {
			find(id[:n], r, 1)
			other := slices.Clone(id[:n])
			other[n-1]++
			find(other, nil, 0)
		}
	}
	absent := chain[1].ID()
	find(absent[:prefixSize], nil, 0)
	find(absent[:], nil, 0)
	here, id := chain[0].ID(), held.ID()
	many, err := s.ByPrefix(t.Context(), [][]byte{here[:8], absent[:8], id[:32], here[:9]})
	if err != nil || len(many) != 4 || many[0].Record.ID() != here || many[1] != (Match{}) || many[2].Record.ID() != id || many[3].Record.ID() != here {
		t.Errorf("many: %+v, %v", many, err)
	}
	for _, n := range []int{0, prefixSize - 1, len(protocol.ID{}) + 1} {
		if _, err := s.ByPrefix(t.Context(), [][]byte{here[:], make([]byte, n)}); !errors.Is(err, ErrBadQuery) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestByPrefixAmbiguous has the index propose a second record for a prefix. Then it finds one
// record twice, since two that begin alike cannot be made here.
func TestByPrefixAmbiguous(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := Open(filepath.Join(t.TempDir(), "lf.db"), w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() // and no check: the tables are made wrong
	chain := w.chain(2)
	id := chain[0].ID()
	mustPut(t, s, chain[0], Attached)
	mustPut(t, s, chain[1], Attached)
	alter := func(sql string, args ...driver.Value) {
		t.Helper()
		if err := s.change(t.Context(), func(tx *tx) error {
			_, err := tx.exec(sql, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.change(t.Context(), func(tx *tx) error { // an entry that leads to another record
		tx.runs.Add(kindIDs, 4, idRow(id[:], 4))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if m, err := s.ByPrefix(t.Context(), [][]byte{id[:prefixSize]}); err != nil || m[0].Count != 1 || m[0].Record.ID() != id {
		t.Errorf("the index is believed: %+v, %v", m, err)
	}
	alter("INSERT INTO pending (id, header, value) VALUES (?, ?, ?)", id[:], chain[0].HeaderBytes(), chain[0].ValueBytes())
	if m, err := s.ByPrefix(t.Context(), [][]byte{id[:prefixSize]}); err != nil || m[0].Count != 2 || m[0].Record != nil {
		t.Errorf("not ambiguous: %+v, %v", m, err)
	}
}
