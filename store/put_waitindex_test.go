package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// checkWaitIndex compares the index with the tables.
func checkWaitIndex(t testing.TB, s *Store) {
	t.Helper()
	var problems []string
	if err := s.change(context.Background(), func(t *tx) (err error) {
		problems, err = t.checkIndex()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// TestWaitIndexRollsBack puts records in any order, in transactions of which some fail. After each,
// the index in memory is that of the database.
func TestWaitIndexRollsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	chain := w.chain(60)
	for i := range 20 { // several wait for the same
		chain = append(chain, w.make(spec{at: 200, owner: i, links: []*protocol.Record{chain[i], chain[59-i]}}))
	}
	failure := errors.New("as on a full disk")
	rapid.Check(t, func(rt *rapid.T) {
		s := openTest(t, w, Options{volatile: true, MaxPending: Limits{Records: 30}})
		for range 30 {
			some := rapid.SliceOfN(rapid.SampledFrom(chain), 1, 20).Draw(rt, "records")
			fails := rapid.Bool().Draw(rt, "fails")
			err := s.change(t.Context(), func(tx *tx) error {
				for _, r := range some {
					if err := tx.put(newEntry(r), 0, new(Result)); err != nil {
						return err
					}
				}
				if fails {
					return failure
				}
				return nil
			})
			if fails != errors.Is(err, failure) || !fails && err != nil {
				rt.Fatal(err)
			}
			checkWaitIndex(t, s)
		}
	})
}

// TestMissingReachesAll asks for a few of many missing records again and again: each is named in
// the end.
func TestMissingReachesAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	var records []*protocol.Record
	for i := range 100 {
		records = append(records, bare(uint64(100+i), 0, inventedLinks(protocol.MaxLinks)...))
	}
	putCrowd(t, s, records)
	named := map[protocol.ID]bool{}
	for calls := 0; len(named) < len(records)*protocol.MaxLinks; calls++ {
		missing, err := s.Missing(t.Context(), 50)
		if err != nil || len(missing) != 50 || calls > 5000 {
			t.Fatalf("call %d: %d missing, %d named so far, %v", calls, len(missing), len(named), err)
		}
		for _, id := range missing {
			named[id] = true
		}
	}
}

// TestWaitIndexShrinks has thousands of records wait and attach: their memory is given back.
func TestWaitIndexShrinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	root := w.make(spec{at: 1})
	crowd, last := crowdOn(w, root, 2*waitPeak)
	putCrowd(t, s, append(crowd, last))
	mustPut(t, s, root, Attached)
	mustSettle(t, s)
	checkWaitIndex(t, s)
	if s.waits.peak != 0 {
		t.Errorf("still made for %d", s.waits.peak)
	}
}

// TestMissingWhileWriting asks what is missing while records that wait come and make way. Each
// record that is named is one that some record waits for.
func TestMissingWhileWriting(t *testing.T) {
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true, MaxPending: Limits{Records: 300}})
	awaited := map[protocol.ID]bool{}
	var records []*protocol.Record
	for i := range 1500 {
		r := bare(uint64(100+i), 0, inventedLinks(protocol.MaxLinks)...)
		for _, id := range r.Links {
			awaited[id] = true
		}
		records = append(records, r)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for part := range slices.Chunk(records, 50) {
			if _, err := s.PutAll(context.Background(), part, nil); err != nil {
				t.Error(err)
			}
		}
	}()
	for named, writing := 0, true; writing || named == 0; {
		missing, err := s.Missing(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range missing {
			if named++; !awaited[id] {
				t.Fatalf("no record waits for %s", id)
			}
		}
		select {
		case <-done:
			writing = false
		default:
		}
	}
}
