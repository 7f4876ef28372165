package store

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestUnclaimed looks for a key that many owners claim, and for one that nobody does.
func TestUnclaimed(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	compositeOf := func(name string) int64 {
		return newEntry(c.w.make(spec{at: 1, sels: []sel{{name, 0}}, value: "v"})).composite
	}
	crowded, absent := compositeOf("crowded"), compositeOf("nobody's")
	err := c.s.change(t.Context(), func(tx *tx) error {
		unclaimed, err := tx.unclaimed([]int64{crowded, absent})
		if unclaimed[crowded] || !unclaimed[absent] {
			t.Errorf("unclaimed: %v", unclaimed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPresentIsNotAbsent looks for an ID, a key and a held record that are there: nothing of them
// is absent. The tables have columns of many names, and none may hide the value that is looked for.
func TestPresentIsNotAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	attached, held := w.make(spec{at: 1, sels: []sel{{"a", 0}}, value: "v"}), w.make(spec{at: 2, sels: []sel{{"b", 0}}, value: "v"})
	mustPut(t, s, attached, Attached)
	mustHold(t, s, held, testTime+2, Held)
	if results, err := s.PutAll(t.Context(), []*protocol.Record{held, attached}, []uint64{testTime + 2, 0}); err != nil ||
		results[0].Outcome != Known || results[0].State != Held || results[1].Outcome != Known {
		t.Errorf("%+v, %v", results, err)
	}
	id := attached.ID()
	if err := s.change(t.Context(), func(tx *tx) error {
		unheld, err := tx.absentIDs(findHeld, []protocol.ID{held.ID(), id})
		if err != nil {
			return err
		}
		unclaimed, err := tx.unclaimed([]int64{newEntry(attached).composite})
		if len(unheld) != 1 || !unheld[id] || len(unclaimed) > 0 {
			t.Errorf("absent: %v, %v", unheld, unclaimed)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
