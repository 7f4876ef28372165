package store

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// TestRecordCache holds that a cache returns what was added for an index, or nothing, and no large
// record.
func TestRecordCache(t *testing.T) {
	t.Parallel()
	large, err := protocol.NewRecord(protocol.Header{Version: protocol.Version}, make([]byte, maxCachedSize))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := newRecordCache()
		added := map[int64]*protocol.Record{}
		for range rapid.IntRange(1, 200).Draw(t, "records") {
			// many of them share their places
			idx := 1 + rapid.Int64Range(0, 9).Draw(t, "index")*cachedRecords/ways + rapid.Int64Range(0, 3).Draw(t, "set")
			r := added[idx]
			if r == nil {
				r = new(protocol.Record)
				added[idx] = r
			}
			c.add(idx, r)
			if c.get(idx) != r {
				t.Fatalf("the record %d that was just added is not there", idx)
			}
		}
		for idx, r := range added {
			if have := c.get(idx); have != nil && have != r {
				t.Fatalf("another record than %d", idx)
			}
		}
		c.add(1<<40, large)
		if c.get(1<<40) != nil || c.get(1<<41) != nil {
			t.Fatal("a record that is large, or was never added")
		}
	})
}

// TestCachedAnswer asks for a record, and damages it on the disk: the answer is still whole. The
// scrub finds the damage all the same, the record is repaired, and nothing new links to it before.
func TestCachedAnswer(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	idx := f.index(t, "tip")
	want := f.records[idx]
	for kind, sql := range rotKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, _ := f.form(t, kind).open(t)
			ask := func() {
				t.Helper()
				a, err := s.Query(t.Context(), Query{Where: []Range{f.w.where("tip", 0, 0)}})
				if err != nil || len(a.Keys) != 1 || a.Keys[0].Damaged != nil || a.Keys[0].Claims[0].Damaged != nil ||
					string(a.Keys[0].Claims[0].Record.EncodeFrame()) != string(want.EncodeFrame()) {
					t.Fatalf("%+v, %v", a, err)
				}
			}
			ask()
			if err := s.change(t.Context(), func(tx *tx) error { return tx.changeRows(fmt.Sprintf(sql, idx)) }); err != nil {
				t.Fatal(err)
			}
			ask()
			if _, _, err := s.Get(t.Context(), want.ID()); asDamaged(err) == nil {
				t.Errorf("by ID: %v", err)
			}
			scrubAll(t, s, scrubbed{})
			if d := s.Damage(); len(d.Records) != 1 || d.Records[0].ID != want.ID() {
				t.Errorf("%+v", d)
			}
			if links, err := s.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + 100}); err != nil || links.IDs[0] == want.ID() || links.IDs[1] == want.ID() {
				t.Errorf("%v, %v", links, err)
			}
			if repaired, err := s.Repair(t.Context(), want); !repaired || err != nil {
				t.Errorf("%t, %v", repaired, err)
			}
			ask()
			mustBeSound(t, s)
		})
	}
}

// TestRolledBackIndex gives an index to one record in a transaction that is undone, and then to
// another. Readers only know the other, also if the writer has read the first.
func TestRolledBackIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	undone, kept := w.make(spec{at: 5, sels: []sel{{"undone", 0}}}), w.make(spec{at: 6, sels: []sel{{"kept", 0}}})
	undo := errors.New("undo")
	err := s.change(t.Context(), func(tx *tx) error {
		at, err := tx.attach(newEntry(undone))
		if err != nil {
			return err
		}
		if r, err := tx.cached(at.idx); err != nil || r.ID() != undone.ID() {
			t.Errorf("%v, %v", r, err)
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	mustPut(t, s, kept, Attached)
	for name, want := range map[string]int{"undone": 0, "kept": 1} {
		a, err := s.Query(t.Context(), Query{Where: []Range{w.where(name, 0, 0)}})
		if err != nil || len(a.Keys) != want || want > 0 && a.Keys[0].Claims[0].Record.ID() != kept.ID() {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
