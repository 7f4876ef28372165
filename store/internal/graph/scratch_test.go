package graph

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/store/internal/dag"
)

// TestInScratch adds the same records to a graph in a file without a name and to one on the heap.
// They answer alike, and the folder stays empty.
func TestInScratch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, file, err := InScratch(filepath.Join(dir, "graph"))
	if err != nil {
		t.Fatal(err)
	}
	random, heap := rand.New(rand.NewPCG(1, 2)), New()
	if err := file.Guard(func() {
		g.Add(nil, dag.Placement{}, 1)
		heap.Add(nil, dag.Placement{}, 1)
		for n := 1; n < 3000; n++ {
			parents := []dag.Index{dag.Index(n)}
			if other := dag.Index(n - random.IntN(min(n, 8))); other != parents[0] {
				parents = append(parents, other)
			}
			where, err := g.Place(parents)
			if err != nil {
				t.Fatal(err)
			}
			work := uint64(1 + random.IntN(9))
			g.Add(parents, where, work)
			heap.Add(parents, where, work)
		}
		for i := range dag.Index(g.Len() + 1) {
			if i > 0 && (g.Weight(i) != heap.Weight(i) || g.Past(i) != heap.Past(i)) {
				t.Fatalf("record %d: weight %d and past %d, want %d and %d", i, g.Weight(i), g.Past(i), heap.Weight(i), heap.Past(i))
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left: %v, %v", names, err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := InScratch(filepath.Join(dir, "missing", "graph")); err == nil {
		t.Error("a file in a folder that is not there")
	}
}
