package dag

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestMergesetBound(t *testing.T) {
	for _, c := range []struct {
		side int
		fits bool
	}{{1023, true}, {1024, true}, {1025, false}, {5000, false}} {
		for _, old := range []int{0, 10_000} { // so much older than the newest record
			t.Run(fmt.Sprint(c.side, "/", old), func(t *testing.T) {
				g := newGrower(t)
				root := g.add(1)
				side := root
				for range c.side {
					side = g.add(1, side)
				}
				main := g.add(1_000_000, root)
				for range old + 1 {
					main = g.add(1, main)
				}
				p, err := g.d.Place([]Index{side, main})
				var wide *WideError
				if c.fits && (err != nil || len(p.Mergeset) != c.side || !slices.IsSorted(p.Mergeset)) {
					t.Errorf("%d merged, %v", len(p.Mergeset), err)
				}
				if !c.fits && (!errors.As(err, &wide) || wide.Main != main) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

func TestPlaceRefusesUnknownParents(t *testing.T) {
	d := New()
	d.Add(nil, Placement{}, 1)
	for _, parents := range [][]Index{{0}, {2}, {1, 1 << 31}, slices.Repeat([]Index{1}, 256)} {
		if p, err := d.Place(parents); err == nil {
			t.Errorf("Place(%v) = %v", parents, p)
		}
	}
}

func TestEqualParentsTheLastIsMain(t *testing.T) {
	d := New()
	d.Add(nil, Placement{}, 1)
	for range 2 {
		d.Add([]Index{1}, Placement{Main: 1}, 1)
	}
	for _, c := range [][2]Index{{2, 3}, {3, 2}} {
		if p, _ := d.Place(c[:]); p.Main != c[1] || !slices.Equal(p.Mergeset, c[:1]) {
			t.Errorf("Place(%v) = %v", c, p)
		}
	}
}

// The sweep finds what the walk finds.
func TestSweepAgainstWalk(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			g := newGrower(t)
			s.grow(g, 2500)
			for range 200 {
				parents := draw(g.rng, g.d.Len(), []int{20, 300, 2500}[g.rng.IntN(3)], 2+g.rng.IntN(3))
				p, err := g.d.Place(parents)
				w := g.d.walkFrom(g.d.heaviest(parents))
				fits := true
				for _, x := range parents {
					fits = fits && w.add(x)
				}
				slices.Sort(w.found)
				if fits != (err == nil) || fits && (p.Main != w.main || !slices.Equal(p.Mergeset, w.found)) {
					t.Fatalf("Place(%v): %d merged, %v; the walk: %d, %v", parents, len(p.Mergeset), err, len(w.found), fits)
				}
				w.end()
			}
		})
	}
}
