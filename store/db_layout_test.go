package store

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/store/internal/dag"
)

// appendOldNode writes a record's place in the graph as schema 13 did.
func appendOldNode(b []byte, idx int64, r dag.Record) []byte {
	b = binary.AppendUvarint(b, r.Work)
	b = binary.AppendUvarint(b, uint64(len(r.Parents)))
	for _, p := range r.Parents {
		b = binary.AppendUvarint(b, uint64(idx-int64(p)))
	}
	if len(r.Parents) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(slices.Index(r.Parents, r.Main)))
	for i, m := range r.Mergeset {
		if i == 0 {
			b = binary.AppendUvarint(b, uint64(idx-int64(m)))
		} else {
			b = binary.AppendUvarint(b, uint64(m-r.Mergeset[i-1]))
		}
	}
	return b
}

// drawNode draws a place in the graph, often with equal steps in its mergeset.
func drawNode(t *rapid.T) (idx int64, r dag.Record) {
	first := rapid.Uint32Range(1, 1<<29).Draw(t, "first")
	r.Work = rapid.Uint64().Draw(t, "work")
	at := first
	for range rapid.IntRange(0, 20).Draw(t, "runs") {
		step := rapid.OneOf(rapid.Uint32Range(1, 10), rapid.Uint32Range(1, 1<<20)).Draw(t, "step")
		for range rapid.IntRange(1, 50).Draw(t, "times") {
			r.Mergeset, at = append(r.Mergeset, at), at+step
		}
	}
	idx = int64(at) + int64(rapid.IntRange(1, 1000).Draw(t, "back"))
	r.Parents = rapid.SliceOfNDistinct(rapid.Uint32Range(1, uint32(idx-1)), 0, 16, rapid.ID[uint32]).Draw(t, "parents")
	if len(r.Parents) == 0 {
		r.Mergeset = nil
		return idx, r
	}
	r.Main = rapid.SampledFrom(r.Parents).Draw(t, "main")
	return idx, r
}

// TestNodesComeBack: a record's place in the graph comes back from its column, of this schema and
// of older ones. Equal steps take no room.
func TestNodesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		idx, want := drawNode(t)
		column, old := appendNode(nil, idx, want), appendOldNode(nil, idx, want)
		for _, b := range [][]byte{column, old} {
			var have dag.Record
			if err := readNode(&have, idx, b); err != nil || have.Work != want.Work || have.Main != want.Main ||
				!slices.Equal(have.Parents, want.Parents) || !slices.Equal(have.Mergeset, want.Mergeset) {
				t.Fatalf("%x is read as %v, %v; want %v", b, have, err, want)
			}
			if !sameNode(idx, b, column) {
				t.Fatalf("%x is not the same as %x", b, column)
			}
		}
		if other := appendNode(nil, idx+1, want); sameNode(idx, old, other) != (len(want.Parents) == 0) {
			t.Fatalf("%x is the same as %x", old, other)
		}
	})
	r := dag.Record{Work: 1, Parents: []dag.Index{1000, 1001}, Placement: dag.Placement{Main: 1001}}
	for i := range dag.Index(49) {
		r.Mergeset = append(r.Mergeset, 20*(i+1))
	}
	if b := appendNode(nil, 1050, r); len(b) > 10 {
		t.Errorf("49 equal steps take %d bytes", len(b))
	}
}

// FuzzReadNode: whatever the disk made of a column, it is read as something that could be there, or
// refused.
func FuzzReadNode(f *testing.F) {
	f.Add(int64(100), appendNode(nil, 100, dag.Record{Work: 1, Parents: []dag.Index{98, 99}, Placement: dag.Placement{Main: 99, Mergeset: []dag.Index{10, 20, 30, 40, 98}}}))
	f.Fuzz(func(t *testing.T, idx int64, b []byte) {
		var r dag.Record
		if idx < 1 || idx > 1<<30 || readNode(&r, idx, b) != nil {
			return
		}
		if len(r.Mergeset) > dag.MaxMergeset+1 || !slices.IsSorted(r.Mergeset) || len(r.Mergeset) > 0 && int64(r.Mergeset[len(r.Mergeset)-1]) >= idx {
			t.Fatalf("the mergeset of %d is %v", idx, r.Mergeset)
		}
		if !sameNode(idx, b, appendNode(nil, idx, r)) {
			t.Fatalf("%x is read as another one each time", b)
		}
	})
}
