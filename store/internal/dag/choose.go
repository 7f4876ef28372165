package dag

import (
	"slices"
	"sort"
)

// Choose picks at most count records for a new record to link, from candidates in the order of
// preference. What it returns always has a Placement, whatever the order of the links:
//
//   - A candidate in the past of another chosen one brings nothing and comes in only where there
//     are too few others.
//   - A candidate whose branch is too long beside the heaviest chosen is replaced by the furthest
//     record down its branch that fits: the next record gets further, and so a branch of any length
//     is merged in the end.
func (d *DAG) Choose(candidates []Index, count int) []Index {
	d.mu.RLock()
	defer d.mu.RUnlock()
	useful, spare := d.useful(candidates, count)
	if len(useful) == 0 {
		return nil
	}
	main := useful[0]
	for _, c := range useful {
		if d.recs.At(c).past > d.recs.At(main).past {
			main = c
		}
	}
	c := choice{d: d, walk: d.walkFrom(main), chosen: []Index{main}, spare: spare}
	defer c.walk.end()
	for _, u := range useful {
		if u != main {
			c.link(u)
		}
	}
	for _, s := range c.spare {
		if len(c.chosen) < count && !slices.Contains(c.chosen, s) {
			c.try(s)
		}
	}
	return c.chosen
}

// useful are the first count candidates of which none is in another's past; spare are those passed
// over on the way.
func (d *DAG) useful(candidates []Index, count int) (useful, spare []Index) {
	for _, c := range candidates {
		if len(useful) >= count {
			break
		}
		if !d.known(c) || slices.Contains(useful, c) || slices.Contains(spare, c) {
			continue
		}
		if slices.ContainsFunc(useful, func(u Index) bool { return d.within(c, u) }) {
			spare = append(spare, c)
			continue
		}
		useful = slices.DeleteFunc(useful, func(u Index) bool {
			if d.within(u, c) {
				spare = append(spare, u)
				return true
			}
			return false
		})
		useful = append(useful, c)
	}
	return useful, spare
}

// choice is what is chosen so far. Its walk starts at the heaviest and has found all that the
// others bring.
type choice struct {
	d      *DAG
	walk   *walk
	chosen []Index
	spare  []Index
}

// link chooses u, or else the furthest record down its branch that fits.
func (c *choice) link(u Index) {
	if !c.try(u) {
		c.step(u)
	}
}

// try chooses u if it fits.
func (c *choice) try(u Index) bool {
	mark := len(c.walk.found)
	if !c.walk.add(u) {
		return false
	}
	if !c.tiesFit(append(c.chosen, u)) {
		c.walk.rewind(mark)
		return false
	}
	c.chosen = append(c.chosen, u)
	return true
}

// tiesFit says whether the mergeset fits also where another, equally heavy one becomes the main
// parent.
func (c *choice) tiesFit(links []Index) bool {
	for _, t := range links {
		if t == c.walk.main || c.d.recs.At(t).past < c.d.recs.At(c.walk.main).past {
			continue
		}
		if !c.d.fits(links, t) {
			return false
		}
	}
	return true
}

func (d *DAG) fits(links []Index, main Index) bool {
	w := d.walkFrom(main)
	defer w.end()
	return !slices.ContainsFunc(links, func(l Index) bool { return !w.add(l) })
}

// step chooses the furthest record below u that fits: it climbs u's main chain from the first
// record that is new.
func (c *choice) step(u Index) {
	first := c.firstNew(u)
	room := uint32(c.d.bound - len(c.walk.found))
	list := c.d.chain(u, c.d.recs.At(first).depth, room)
	var marks []int // what the walk had found before each of the list that fits
	for _, z := range list {
		mark := len(c.walk.found)
		if z == u || !c.walk.add(z) {
			break
		}
		marks = append(marks, mark)
	}
	// What is too much beside an equally heavy one is too much further up as well.
	n := sort.Search(len(marks), func(i int) bool { return !c.tiesFit(append(c.chosen, list[i])) })
	if n < len(marks) {
		c.walk.rewind(marks[n])
	}
	if n > 0 {
		c.chosen = append(c.chosen, list[n-1])
		return
	}
	// The first record does not fit with all that it merges, or is u itself, which must not be as
	// heavy as main. Either way what one of its other links brings is less.
	for _, p := range c.d.parentsOf(first) {
		if !c.walk.covered(p) && c.try(p) {
			return
		}
	}
	if main := c.d.recs.At(first).main; main != 0 {
		c.spare = append(c.spare, main)
	}
}

// firstNew is the lowest record of u's main chain that is not covered. What is covered holds its
// own past, so jumps find it.
func (c *choice) firstNew(u Index) Index {
	for {
		r := c.d.recs.At(u)
		switch {
		case r.jump != 0 && !c.walk.covered(r.jump):
			u = r.jump
		case r.main != 0 && !c.walk.covered(r.main):
			u = r.main
		default:
			return u
		}
	}
}

// chain lists u's main chain upwards from the given depth, at most n records of it.
func (d *DAG) chain(u Index, from, n uint32) []Index {
	for d.recs.At(u).depth >= from+n && u != 0 {
		if j := d.recs.At(u).jump; d.recs.At(j).depth+1 >= from+n {
			u = j
		} else {
			u = d.recs.At(u).main
		}
	}
	var list []Index
	for ; u != 0 && d.recs.At(u).depth >= from; u = d.recs.At(u).main {
		list = append(list, u)
	}
	slices.Reverse(list)
	return list
}
