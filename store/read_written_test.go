package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// ownedBy copies a record for another owner, time and links. Nobody signs it.
func ownedBy(t fataler, r *protocol.Record, owner protocol.Owner, at uint64) *protocol.Record {
	h := r.Header
	h.Owner, h.Timestamp = owner, at
	made, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// allWritten reads an owner's records page by page.
func allWritten(t fataler, s *Store, owner protocol.Owner, limit int) (all []Written) {
	var after *WrittenPosition
	for more := true; more; {
		var page []Written
		var err error
		if page, more, err = s.WrittenBy(context.Background(), owner, after, limit); err != nil {
			t.Fatal(err)
		}
		if len(page) > limit || more && len(page) == 0 {
			t.Fatal(fmt.Sprintf("%d records of %d, more: %t", len(page), limit, more))
		}
		if all = append(all, page...); more {
			at := page[len(page)-1].Position()
			after = &at
		}
	}
	return all
}

// TestWrittenBy compares pages of any size with all that an owner wrote: of any type, with equal
// timestamps, in any order, and beside an owner whose key begins alike.
func TestWrittenBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	words, err := protocol.EncodeCommentary([]protocol.Word{{Composite: w.compositeOf(keyA...), Owner: w.ownerID(3), Objects: true}})
	if err != nil {
		t.Fatal(err)
	}
	templates := []*protocol.Record{
		w.make(spec{at: 1, sels: keyA, value: "v"}),
		w.make(spec{at: 1, sels: keyA, kind: protocol.TypeRelease}),
		w.make(spec{at: 1, kind: protocol.TypeCommentary, value: string(words)}),
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := openTest(t, w, Options{volatile: true})
		defer s.Close()
		owners := []protocol.Owner{w.ownerID(1), w.ownerID(2), w.ownerID(1)}
		owners[2][31] ^= 1 // begins like the first
		written := map[protocol.Owner][]*protocol.Record{}
		for i := range rapid.IntRange(0, 30).Draw(rt, "records") {
			owner := rapid.SampledFrom(owners).Draw(rt, "owner")
			r := ownedBy(rt, rapid.SampledFrom(templates).Draw(rt, "type"), owner, testTime+rapid.Uint64Range(1, 5).Draw(rt, "at")+uint64(i)/20)
			result, err := s.Put(t.Context(), r, 0)
			if err != nil {
				rt.Fatal(err)
			}
			if result.Outcome == Attached {
				written[owner] = append(written[owner], r)
			}
		}
		for _, owner := range owners {
			want := slices.Clone(written[owner])
			slices.Reverse(want) // the last to attach comes first
			slices.SortStableFunc(want, func(a, b *protocol.Record) int { return cmp.Compare(b.Timestamp, a.Timestamp) })
			have := allWritten(rt, s, owner, rapid.IntRange(1, 12).Draw(rt, "limit"))
			if !slices.EqualFunc(have, want, func(h Written, w *protocol.Record) bool {
				return h.Record.ID() == w.ID() && h.State == Attached && h.Weight > 0
			}) {
				rt.Fatalf("%d records, want %d: %+v", len(have), len(want), have)
			}
		}
	})
}

// TestWrittenPages asks for pages that there are not, and for large ones.
func TestWrittenPages(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, func(p *protocol.Params) { p.MaxValue = 61_440 })
	s := openTest(t, w.world, Options{volatile: true})
	large := make([]byte, 60_000)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < len(large); i++ {
		large[i] = byte(random.Uint32())
	}
	for i := range 150 {
		mustPut(t, s, w.full(spec{at: uint64(i + 1), owner: 1, sels: []sel{{"large", uint64(i)}}, value: string(large)}), Attached)
	}
	mustPut(t, s, w.full(spec{at: 1, owner: 2, sels: keyA, value: "other"}), Attached)
	if page, more, err := s.WrittenBy(t.Context(), w.ownerID(1), nil, 1000); err != nil || !more || len(page) > 80 || len(page) < 60 {
		t.Errorf("%d records, %t, %v", len(page), more, err)
	}
	if all := allWritten(t, s, w.ownerID(1), 1000); len(all) != 150 {
		t.Errorf("%d records", len(all))
	}
	for _, limit := range []int{0, -1, 1001} {
		if _, _, err := s.WrittenBy(t.Context(), w.ownerID(1), nil, limit); !errors.Is(err, ErrBadQuery) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	// After a record that is not here come those before its time.
	if page, _, err := s.WrittenBy(t.Context(), w.ownerID(1), &WrittenPosition{testTime + 5, [8]byte{1}}, 1); err != nil || len(page) != 1 || page[0].Record.Timestamp != testTime+4 {
		t.Errorf("after a record that is not here: %v, %v", page, err)
	}
	if page, more, err := s.WrittenBy(t.Context(), w.ownerID(9), nil, 10); err != nil || more || len(page) > 0 {
		t.Errorf("of nobody: %v, %t, %v", page, more, err)
	}
}

// TestWrittenDamaged lists damaged records as what they are, beside the others.
func TestWrittenDamaged(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	at := f.index(t, "new")
	for kind, sql := range rotKinds {
		s, _ := f.form(t, kind).open(t, fmt.Sprintf(sql, at))
		page, more, err := s.WrittenBy(t.Context(), f.w.ownerID(1), nil, 10)
		if err != nil || more || len(page) != 4 {
			t.Fatalf("%s: %d records, %t, %v", kind, len(page), more, err)
		}
		for i, w := range page {
			damaged := i == 2
			if want := f.records[[]int64{f.index(t, "tip"), f.index(t, "deleted"), at, f.index(t, "old")}[i]].ID(); (w.Damaged != nil) != damaged || damaged && w.Damaged.ID != want || !damaged && w.Record.ID() != want {
				t.Errorf("%s: record %d: %+v", kind, i, w)
			}
		}
		if all := allWritten(t, s, f.w.ownerID(1), 1); len(all) != 4 {
			t.Errorf("%s: %d records, page by page", kind, len(all))
		}
	}
}

// TestWrittenDamagedID pages through records of which one has a damaged ID: in each of the places
// that know it, and in all of them.
func TestWrittenDamagedID(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	at := f.index(t, "new")
	id := fmt.Sprintf("UPDATE dag SET id = randomblob(32) WHERE idx = %d", at)
	index := "DELETE FROM run_chunks WHERE place >> 32 IN (SELECT number FROM runs WHERE kind = 0)"
	time := fmt.Sprintf("UPDATE dag SET timestamp = timestamp - 5 WHERE idx = %d", at)
	header := fmt.Sprintf(rotKinds["header cut"], at)
	for kind, sql := range map[string][]string{"the ID": {id}, "the index": {index}, "both": {id, index}, "all": {id, index, header}, "the time": {time}} {
		s, _ := f.open(t, sql...)
		for _, limit := range []int{1, 2, 3} {
			if all := allWritten(t, s, f.w.ownerID(1), limit); len(all) != 4 {
				t.Errorf("%s: %d records in pages of %d", kind, len(all), limit)
			}
		}
	}
}

// TestMigrateWritten opens a file from before records were kept by their owners. One has a damaged
// header: it is filed when it is repaired.
func TestMigrateWritten(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	at := f.index(t, "new")
	s, _ := f.plain(t).open(t, withoutRuns+withoutWritten+fmt.Sprintf("PRAGMA user_version = %d;", writtenVersion-1), fmt.Sprintf(rotKinds["header other"], at))
	if all := allWritten(t, s, f.w.ownerID(1), 10); len(all) != 3 {
		t.Errorf("%d records", len(all))
	}
	if repaired, err := s.Repair(t.Context(), f.records[at]); !repaired || err != nil {
		t.Fatal(repaired, err)
	}
	if all := allWritten(t, s, f.w.ownerID(1), 10); len(all) != 4 {
		t.Errorf("%d records after the repair", len(all))
	}
	mustBeSound(t, s)
}

// BenchmarkWritten lists a page of an owner's records, the first and one far down, where others
// have written many. LF_CROWD=1000000 says how many. It begins with the migration of a file that
// has them.
func BenchmarkWritten(b *testing.B) {
	for _, records := range crowdOwnersOf(b) {
		if records < 1000 {
			continue
		}
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			c := newCrowdBench(b, 1, nil)
			template := c.full(spec{at: 2000, owner: 1, sels: []sel{{"written", 0}}, value: "v"})
			var list []*protocol.Record
			for i := range records {
				owner := 1 + i%1000
				if i%10 == 0 {
					owner = 0
				}
				if list = append(list, c.as(template, owner, 2000+uint64(i), nil)); len(list) == batchRecords || i == records-1 {
					c.put(list)
					list = list[:0]
				}
			}
			c.s.Close()
			unpackAll(b, c.path, c.Network)
			old, err := openConn(c.path, "rw")
			if err != nil {
				b.Fatal(err)
			}
			if err := old.script(withoutRuns + withoutWritten + fmt.Sprintf("PRAGMA user_version = %d", writtenVersion-1)); err != nil {
				b.Fatal(err)
			}
			old.close()
			began := time.Now()
			c.open(Options{volatile: true})
			b.Logf("migrated %d records in %v", records, time.Since(began))
			pages := map[string]*WrittenPosition{"first": nil}
			for _, place := range []int{records / 20} { // half of what the owner wrote
				var after *WrittenPosition
				for range place / 100 {
					page, _, err := c.s.WrittenBy(b.Context(), numbered(0), after, 100)
					if err != nil {
						b.Fatal(err)
					}
					at := page[len(page)-1].Position()
					after = &at
				}
				pages["middle"] = after
			}
			for name, after := range pages {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if page, _, err := c.s.WrittenBy(b.Context(), numbered(0), after, 100); err != nil || len(page) == 0 {
							b.Fatal(len(page), err)
						}
					}
				})
			}
		})
	}
}
