//go:build linux && !race

package graph

import (
	"iter"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/lf-store/lf/store/internal/dag"
)

// TestCheckpointsBoundMemory: records that link old ones change many pages of the file. A
// checkpoint is due when these take too much memory, and gives it back.
func TestCheckpointsBoundMemory(t *testing.T) {
	const records, limit = 60_000, 1 << 19
	list := []dag.Record{{Work: 1}}
	for i := range dag.Index(records) {
		main := max(1, i)
		list = append(list, dag.Record{Parents: []dag.Index{main}, Work: 1, Placement: dag.Placement{Main: main}})
	}
	c := Config{
		Path: filepath.Join(t.TempDir(), "graph"), Least: 1, Every: 1 << 16, Memory: limit, Volatile: true,
		Records: func(after, upTo int) iter.Seq2[dag.Record, error] {
			return func(yield func(dag.Record, error) bool) {
				for _, r := range list[after:upTo] {
					if !yield(r, nil) {
						return
					}
				}
			}
		},
		Broken: func(err error) { t.Error(err) },
	}
	g := Begin(c)
	for _, r := range list {
		g.Add(r.Parents, r.Placement, r.Work)
	}
	debug.FreeOSMemory()
	if err := g.Checkpoint([16]byte{1}); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	add := func(parents ...dag.Index) {
		where, err := g.Place(parents)
		if err != nil {
			t.Fatal(err)
		}
		g.Add(parents, where, 1)
	}
	for range 3000 {
		if add(dag.Index(g.Len())); g.Due() {
			t.Fatalf("a checkpoint is due after %d records at the newest", g.Len()-records-1)
		}
	}
	for old := 0; !g.Due(); old++ {
		if old == 5000 {
			t.Fatal("no checkpoint is due, whatever old records are linked")
		}
		add(dag.Index(1 + rand.IntN(records/2))) // a child of an old record
	}
	n := g.Len()
	if err := g.Checkpoint([16]byte{2}); err != nil {
		t.Fatal(err)
	}
	if g.Due() || g.Len() != n {
		t.Error("after a checkpoint one is due")
	}
}
