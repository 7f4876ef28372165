package dag

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/mapped"
)

// TestEntryLists: lists of any numbers come back as they were made by splices, in the record, on
// the shelf and in a bundle. No list changes another one's bytes.
func TestEntryLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := &entryLists{}
		recs, want := make([]record, 4), make([][]Index, 4)
		number := rapid.OneOf(rapid.Uint32Range(1, 50), rapid.Uint32Range(1000, 2000), rapid.Uint32Range(1, maxLen))
		for range rapid.IntRange(1, 200).Draw(t, "splices") {
			i := rapid.IntRange(0, len(recs)-1).Draw(t, "record")
			r, id := &recs[i], Index(1000*i+1)
			if r.entries == bundled {
				continue
			}
			list := e.listToChange(id, r)
			at := rapid.IntRange(0, len(list)).Draw(t, "at")
			count := rapid.IntRange(0, min(2, len(list)-at)).Draw(t, "count")
			var with []Index
			for range rapid.IntRange(0, 2).Draw(t, "with") {
				x := number.Draw(t, "number")
				if same := func(y Index) bool { return y&^lastMark == x }; x == id || slices.ContainsFunc(slices.Concat(list, with), same) {
					continue // no record is in a list twice, nor in its own
				}
				if rapid.Bool().Draw(t, "mark") {
					x |= lastMark
				}
				with = append(with, x)
			}
			want[i] = slices.Concat(list[:at], with, list[at+count:])
			e.splice(id, r, list, at, count, with...)
		}
		for i := range recs {
			var room listRoom
			var have []Index
			if r := &recs[i]; r.entries == bundled {
				for _, c := range e.bundleOf(r).chunks {
					have = append(have, c.list...)
				}
			} else {
				have = e.list(Index(1000*i+1), r, &room)
			}
			if !slices.Equal(have, want[i]) {
				t.Fatalf("list %d is %v, want %v", i, have, want[i])
			}
		}
	})
}

// TestGraphInFile: what is kept in a file is as before, with large works, many parents and bundles,
// and grows on.
func TestGraphInFile(t *testing.T) {
	t.Parallel()
	c := mapped.Config{Path: filepath.Join(t.TempDir(), "graph"), Layout: Layout(), Volatile: true}
	file, err := mapped.Create(c)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	d, b := In(file), newBrute()
	side, main := add(t, d, b, nil, 1<<40), add(t, d, b, nil, 2)
	for n := range 500 {
		parents := distinct([]Index{side, main, 1 + rng.Uint32N(uint32(d.Len()))})
		rng.Shuffle(len(parents), func(i, j int) { parents[i], parents[j] = parents[j], parents[i] })
		x := add(t, d, b, parents, 1+rng.Uint64N(1<<(n%40)))
		if n%3 == 0 {
			main = x
		}
	}
	if err := file.Checkpoint(mapped.Stamp{Index: 1}, d.Keep()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	file, _, rest, err := mapped.Open(c, func(mapped.Stamp) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := Restore(file, rest)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, kept, b)
	for range 50 {
		add(t, kept, b, []Index{1 + rng.Uint32N(uint32(kept.Len()))}, 1<<33)
	}
	kept.Truncate(520)
	b.truncate(520)
	compare(t, kept, b)
}

// TestBlocksAreFull: where records come at the newest ones, the blocks of the tour that they have
// passed are nearly full.
func TestBlocksAreFull(t *testing.T) {
	t.Parallel()
	g := newGrower(t)
	g.steady(20_000, 8, 0)
	brackets := 0
	blocks := &g.d.tour.blocks
	for i := range blocks.Len() {
		brackets += int(blocks.At(i).n)
	}
	if share := float64(brackets) / blockLen / float64(blocks.Len()); share < 0.8 {
		t.Errorf("the blocks are %.2f full, want 0.8", share)
	}
	if size := float64(g.d.Bytes()) / 20_000; size > 85 {
		t.Errorf("a record takes %.1f bytes, want 85 at most", size)
	}
}
