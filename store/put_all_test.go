package store

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func mustPutAll(t testing.TB, s *Store, records []*protocol.Record, holds []uint64) []Result {
	t.Helper()
	results, err := s.PutAll(context.Background(), records, holds)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestPutAllIsPut puts the same records one by one into one store and in bulk into another. They
// come in any order, some twice, some invalid, some held. The results are the same, and so is what
// queries, tips and scans say.
func TestPutAllIsPut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := w.chain(60)
	for i := range 60 {
		pool = append(pool, w.make(spec{
			at: uint64(i), owner: i % 3, links: pool[i%5 : i%5+2], sels: []sel{{"shared", uint64(i % 7)}}, value: fmt.Sprint("v", i),
		}))
	}
	rapid.Check(t, func(rt *rapid.T) {
		single, bulk := openTest(t, w, Options{volatile: true}), openTest(t, w, Options{volatile: true})
		records := rapid.SliceOfN(rapid.SampledFrom(pool), 1, 120).Draw(rt, "records")
		holds := make([]uint64, len(records))
		for i := range holds {
			if rapid.IntRange(0, 9).Draw(rt, "held") == 0 {
				holds[i] = testTime + uint64(i)
			}
		}
		for from := 0; from < len(records); {
			n := rapid.IntRange(1, len(records)-from).Draw(rt, "portion")
			have := mustPutAll(t, bulk, records[from:from+n], holds[from:from+n])
			for i, got := range have {
				if want := putHeld(t, single, records[from+i], holds[from+i]); !sameResult(got, want) {
					rt.Fatalf("record %d: %+v, put alone %+v", from+i, got, want)
				}
			}
			from += n
		}
		if a, b := scanned(t, single), scanned(t, bulk); !slices.Equal(a, b) {
			rt.Fatalf("%d items, put alone %d", len(b), len(a))
		}
		a, errA := single.Tips(context.Background(), 100)
		b, errB := bulk.Tips(context.Background(), 100)
		if errA != nil || errB != nil || !slices.Equal(a, b) {
			rt.Fatalf("tips %v, put alone %v; %v %v", b, a, errB, errA)
		}
		mustBeSound(t, bulk)
		single.Close()
		bulk.Close()
	})
}

func putHeld(t testing.TB, s *Store, r *protocol.Record, hold uint64) Result {
	t.Helper()
	result, err := s.Put(context.Background(), r, hold)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func sameResult(a, b Result) bool {
	slices.SortFunc(a.Missing, protocol.ID.Compare)
	slices.SortFunc(b.Missing, protocol.ID.Compare)
	return a.Outcome == b.Outcome && a.State == b.State && a.Index == b.Index && slices.Equal(a.Missing, b.Missing) &&
		slices.Equal(a.Attached, b.Attached) && fmt.Sprint(a.Err) == fmt.Sprint(b.Err)
}

// TestPutAllParts puts more than a transaction takes: others get their turn in between, and
// followers hear of each part.
func TestPutAllParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	last := []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()}
	chain := make([]*protocol.Record, 2*batchRecords+10)
	for i := range chain {
		chain[i] = bare(uint64(i+1), 1, last...)
		last = []protocol.ID{last[1], chain[i].ID()}
	}
	var parts []int
	defer s.Follow(func(items []Item) { parts = append(parts, len(items)) })()
	for i, result := range mustPutAll(t, s, chain, nil) {
		if result.Outcome != Attached || result.Index != uint64(i+3) {
			t.Fatalf("record %d: %+v", i, result)
		}
	}
	if !slices.Equal(parts, []int{batchRecords, batchRecords, 10}) {
		t.Errorf("parts of %v", parts)
	}
}

// TestPutAllLarge puts values that are as large as any network has them: fewer share a transaction.
func TestPutAllLarge(t *testing.T) {
	t.Parallel()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.MaxValue, p.NameHardening = "large", 0, protocol.MaxValue, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, testTime, crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := worldOf(n)
	s := openTest(t, w, Options{})
	value := make([]byte, protocol.MaxValue-100) // sealing takes some
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	r := w.make(spec{at: 1, sels: []sel{{"large", 1}}, value: string(value)})
	fit := batchBytes / r.WireSize()
	many := make([]*put, fit+5)
	for i := range many {
		many[i] = &put{entry: newEntry(r)}
	}
	if got := portion(many); got != fit {
		t.Errorf("%d records of %d bytes are one transaction, want %d", got, r.WireSize(), fit)
	}
	if got := portion(many[:1]); got != 1 {
		t.Errorf("one record makes %d", got)
	}
	if results := mustPutAll(t, s, []*protocol.Record{r, r}, nil); results[0].Outcome != Attached || results[1].Outcome != Known {
		t.Errorf("%+v", results)
	}
}

func TestPutAllNothing(t *testing.T) {
	t.Parallel()
	s := openTest(t, newWorld(t), Options{})
	if results := mustPutAll(t, s, nil, nil); len(results) != 0 {
		t.Errorf("%+v", results)
	}
}

// TestPutAllWithoutValue has one record lack its value: it alone is refused.
func TestPutAllWithoutValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(3)
	bare, err := protocol.DecodeRecord(chain[1].HeaderBytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	results := mustPutAll(t, s, []*protocol.Record{chain[0], bare, chain[2]}, nil)
	if results[0].Outcome != Attached || !errors.Is(results[1].Err, ErrValueMissing) || results[2].Outcome != Pending {
		t.Errorf("%+v", results)
	}
}

// TestPutAllInFailingBatch puts records in bulk in one batch with a change that fails: it alone
// gets the error.
func TestPutAllInFailingBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{Clock: func() time.Time { return time.Time{} }})
	chain := w.chain(30)
	free := busy(t, s)
	var group sync.WaitGroup
	queued := func(n int, do func()) {
		group.Go(do)
		for len(s.queue) < n {
			time.Sleep(time.Millisecond)
		}
	}
	sick := errors.New("sick")
	var first, second []Result
	var errs [3]error
	queued(1, func() { first, errs[0] = s.PutAll(context.Background(), chain[:20], nil) })
	queued(2, func() { errs[1] = s.change(context.Background(), func(*tx) error { return sick }) })
	queued(3, func() { second, errs[2] = s.PutAll(context.Background(), chain[20:], nil) })
	free()
	group.Wait()
	if errs[0] != nil || !errors.Is(errs[1], sick) || errs[2] != nil {
		t.Fatal(errs)
	}
	for i, result := range slices.Concat(first, second) {
		if result.Outcome != Attached || result.Index != uint64(i+3) {
			t.Errorf("record %d: %+v", i, result)
		}
	}
}

// TestPutAllFails has the disk be full. The results tell the records that were stored from the
// others, and these can be put again.
func TestPutAllFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(400)
	limitPages(t, s, "50")
	results, err := s.PutAll(t.Context(), chain, nil)
	if !errors.Is(err, ErrNoSpace) {
		t.Fatal(err)
	}
	stored := 0
	for i, result := range results {
		_, _, err := s.Get(t.Context(), chain[i].ID())
		if (result.Outcome != 0) != (err == nil) {
			t.Fatalf("record %d: %+v, but %v", i, result, err)
		}
		if err == nil {
			stored++
		}
	}
	t.Logf("%d stored", stored)
	if stored == 0 || stored == len(chain) {
		t.Fatal("the limit was not met where it should be")
	}
	limitPages(t, s, "1000000")
	for i, result := range mustPutAll(t, s, chain, nil) {
		if result.State != Attached {
			t.Errorf("record %d: %+v", i, result)
		}
	}
}

// TestPutAllContext gives up while the writer is busy: the results stay empty, though the records
// may come in later.
func TestPutAllContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(10)
	free := busy(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for len(s.queue) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	results, err := s.PutAll(ctx, chain, nil)
	free()
	if !errors.Is(err, context.Canceled) || results[0].Outcome != 0 {
		t.Errorf("%+v, %v", results[0], err)
	}
	if results := mustPutAll(t, s, chain, nil); results[9].State != Attached {
		t.Errorf("%+v", results[9])
	}
}
