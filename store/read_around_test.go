package store

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// distances says how many links away from a record others are, by brute force: its ancestors and
// its descendants.
func distances(parents [][]dag.Index, of dag.Index) map[dag.Index]int {
	away := map[dag.Index]int{of: 0}
	for changed := true; changed; {
		changed = false
		for i := range parents {
			for _, p := range parents[i] {
				child := dag.Index(i)
				if d, ok := away[child]; ok && d <= 0 {
					if known, ok := away[p]; !ok || known < d-1 {
						away[p], changed = d-1, true
					}
				}
				if d, ok := away[p]; ok && d >= 0 {
					if known, ok := away[child]; !ok || known > d+1 {
						away[child], changed = d+1, true
					}
				}
			}
		}
	}
	return away
}

// TestNeighborhood compares with brute force, and where there is no room for all that those are
// left out which are farther away.
func TestNeighborhood(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parents := [][]dag.Index{nil, nil}
		for i := 2; i <= rapid.IntRange(2, 40).Draw(t, "records"); i++ {
			links := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) dag.Index {
				return dag.Index(rapid.IntRange(max(1, i-8), i-1).Draw(t, "parent"))
			}), 1, min(3, i-1, 8), rapid.ID[dag.Index]).Draw(t, "links")
			parents = append(parents, links)
		}
		last := dag.Index(len(parents) - 1)
		of := dag.Index(rapid.IntRange(1, int(last)).Draw(t, "of"))
		steps, limit := rapid.IntRange(0, 5).Draw(t, "steps"), rapid.IntRange(1, 50).Draw(t, "limit")
		got, more := neighborhood(func(i dag.Index) []dag.Index { return parents[i] }, of, last, steps, limit)

		want := distances(parents, of)
		within := 0
		for _, d := range want {
			if max(d, -d) <= steps {
				within++
			}
		}
		if len(got) != min(within, limit) || more != (within > limit) {
			t.Fatalf("%d records, more: %t; %d are within %d steps, and %d fit", len(got), more, within, steps, limit)
		}
		if !slices.IsSortedFunc(got, func(a, b near) int { return int(a.index) - int(b.index) }) {
			t.Errorf("not in the order of their indices: %v", got)
		}
		listed := map[dag.Index]bool{}
		farthest := map[bool]int{}
		for _, n := range got {
			if d, ok := want[n.index]; !ok || d != n.step || listed[n.index] {
				t.Errorf("record %d is said to be %d away, not %d (again: %t)", n.index, n.step, d, listed[n.index])
			}
			listed[n.index] = true
			farthest[n.step < 0] = max(farthest[n.step < 0], max(n.step, -n.step))
		}
		for i, d := range want {
			if !listed[i] && max(d, -d) < farthest[d < 0] {
				t.Errorf("record %d, which is %d away, was left out, and one farther away was not", i, d)
			}
		}
	})
}

// TestAround holds what is told of each record of a neighborhood to its links.
func TestAround(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	chain := w.chain(6)
	side := w.make(spec{owner: 1, at: 2, links: chain[:2], sels: []sel{{"side", 1}}, value: "side"})
	merge := w.make(spec{at: 9, links: []*protocol.Record{side, chain[5]}, sels: []sel{{"merge", 1}}, value: "both"})
	records := append(slices.Clone(chain), side, merge)
	for _, r := range records {
		mustPut(t, s, r, Attached)
	}
	records = append(records, w.Genesis()...)
	for _, r := range records {
		list, more, err := s.Around(t.Context(), r.ID(), MaxAroundSteps, MaxAround)
		related := 1
		for _, other := range records {
			if s.isAncestor(t, r.ID(), other.ID()) || s.isAncestor(t, other.ID(), r.ID()) {
				related++
			}
		}
		if err != nil || more || len(list) != related {
			t.Fatalf("%d records around %s, and %d are: more: %t: %v", len(list), r.ID(), related, more, err)
		}
		for _, n := range list {
			_, info, err := s.Get(t.Context(), n.ID)
			if err != nil || n.Damaged != nil || n.Record.ID() != n.ID || n.Weight != info.Weight || n.Index != info.Index || (n.Step == 0) != (n.ID == r.ID()) {
				t.Errorf("%+v is not %+v: %v", n, info, err)
			}
			if (len(n.Record.Links) == 0) != (n.Main == protocol.ID{}) || n.Main != (protocol.ID{}) && !slices.Contains(n.Record.Links, n.Main) {
				t.Errorf("record %s with links %s has the main parent %s", n.ID, n.Record.Links, n.Main)
			}
			if n.ID == merge.ID() && (n.Main != chain[5].ID() || n.Merges != 1) {
				t.Errorf("the merge of a long and a short branch: main parent %s, %d merged", n.Main, n.Merges)
			}
		}
	}
	if _, _, err := s.Around(t.Context(), protocol.ID{1}, 1, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a record that is not here: %v", err)
	}
	if _, _, err := s.Around(t.Context(), merge.ID(), MaxAroundSteps+1, 1); !errors.Is(err, ErrBadQuery) {
		t.Errorf("too many steps: %v", err)
	}
}
