package dag

import (
	"fmt"
	"slices"
	"testing"
)

// check verifies the inner structure: the tour, the sums, the homes of brackets, the runs of
// entries, the jumps.
func check(t testing.TB, d *DAG) {
	t.Helper()
	if err := d.check(); err != nil {
		t.Fatal(err)
	}
}

func (d *DAG) check() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	c := checker{d: d, place: map[bracket]int{}}
	root := d.tour.blocks.At(d.recs.At(0).open).parent
	for d.tour.inners.At(root).parent != 0 {
		root = d.tour.inners.At(root).parent
	}
	if _, err := c.inner(root, 0); err != nil {
		return err
	}
	if len(c.order) != 2*int(d.recs.Len()) || len(c.open) != 0 {
		return fmt.Errorf("%d brackets, %d open, for %d records", len(c.order), len(c.open), d.len())
	}
	for i := Index(1); i <= Index(d.len()); i++ {
		if err := c.jumps(i); err != nil {
			return err
		}
	}
	return c.runs()
}

type checker struct {
	d     *DAG
	order []bracket
	open  []Index
	place map[bracket]int
	depth int // of the blocks
}

func (c *checker) inner(node uint32, depth int) (uint64, error) {
	t := &c.d.tour
	n := t.inners.At(node)
	if n.n == 0 || n.n > innerLen {
		return 0, fmt.Errorf("inner node %d has %d children", node, n.n)
	}
	total := uint64(0)
	for s := range n.n {
		child, parent, slot := n.children[s], uint32(0), uint8(0)
		if n.leaves {
			parent, slot = t.blocks.At(child).parent, t.blocks.At(child).slot
		} else {
			parent, slot = t.inners.At(child).parent, t.inners.At(child).slot
		}
		if parent != node || slot != s {
			return 0, fmt.Errorf("child %d of node %d says it is child %d of %d", s, node, slot, parent)
		}
		sum, err := uint64(0), error(nil)
		if n.leaves {
			sum, err = c.block(child, depth+1)
		} else {
			sum, err = c.inner(child, depth+1)
		}
		if err != nil {
			return 0, err
		}
		if sum != n.sums[s] {
			return 0, fmt.Errorf("child %d of node %d: sum %d, want %d", s, node, n.sums[s], sum)
		}
		total += sum
	}
	return total, nil
}

func (c *checker) block(home uint32, depth int) (uint64, error) {
	if c.depth == 0 {
		c.depth = depth
	}
	b := c.d.tour.blocks.At(home)
	if depth != c.depth || b.n == 0 || b.n > blockLen {
		return 0, fmt.Errorf("block %d at depth %d, not %d, with %d brackets", home, depth, c.depth, b.n)
	}
	sum := uint64(0)
	for _, x := range b.brackets[:b.n] {
		i := x.record()
		if c.d.tour.home(x) != home {
			return 0, fmt.Errorf("a bracket of %d is in block %d, not %d", i, home, c.d.tour.home(x))
		}
		c.place[x] = len(c.order)
		c.order = append(c.order, x)
		if x.closes() {
			if len(c.open) == 0 || c.open[len(c.open)-1] != i {
				return 0, fmt.Errorf("%d closes in the wrong place", i)
			}
			c.open = c.open[:len(c.open)-1]
			continue
		}
		if len(c.open) > 0 && c.open[len(c.open)-1] != c.d.recs.At(i).main {
			return 0, fmt.Errorf("%d is not under its main parent", i)
		}
		c.open = append(c.open, i)
		sum += c.d.recs.work(i)
	}
	return sum, nil
}

func (c *checker) jumps(i Index) error {
	r := c.d.recs.At(i)
	if r.depth != c.d.recs.At(r.main).depth+1 {
		return fmt.Errorf("%d: depth %d", i, r.depth)
	}
	if c.place[opening(r.jump)] >= c.place[opening(i)] || c.place[closing(r.jump)] <= c.place[closing(i)] {
		return fmt.Errorf("%d jumps to %d, which is not above it", i, r.jump)
	}
	return nil
}

// runs compares every list with the entries that the placements give, cut into the longest runs.
func (c *checker) runs() error {
	want := map[Index][]run{}
	opened, next := Index(0), map[Index]Index{}
	for k := len(c.order) - 1; k > 0; k-- {
		i := c.order[k].record()
		if c.order[k].closes() {
			if next[i] = opened; c.d.tour.next(i) != opened {
				return fmt.Errorf("next of %d: %d, want %d", i, c.d.tour.next(i), opened)
			}
			continue
		}
		p, err := c.d.place(c.d.parentsOf(i))
		if err != nil {
			return err
		}
		for _, m := range p.Mergeset {
			if w := want[m]; len(w) > 0 && w[len(w)-1].first == next[i] {
				w[len(w)-1].first = i
			} else {
				want[m] = append(w, run{i, i})
			}
		}
		opened = i
	}
	for i := Index(1); i <= Index(c.d.len()); i++ {
		slices.Reverse(want[i])
		if have := c.d.allRuns(i); !slices.Equal(have, want[i]) {
			return fmt.Errorf("the entries of %d are %v, want %v", i, have, want[i])
		}
	}
	return nil
}

type run struct{ first, last Index }

func (d *DAG) allRuns(i Index) []run {
	r := d.recs.At(i)
	list := []Index(nil)
	var room listRoom
	if r.entries != bundled {
		list = d.entries.list(i, r, &room)
	} else {
		for _, c := range d.entries.bundleOf(r).chunks {
			list = append(list, c.list...)
		}
	}
	var all []run
	for _, x := range list {
		if x >= lastMark {
			all[len(all)-1].last = x &^ lastMark
		} else {
			all = append(all, run{x, x})
		}
	}
	return all
}
