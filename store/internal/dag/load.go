package dag

import (
	"fmt"
	"iter"
	"slices"
)

// Record is what Load needs to know of a record.
type Record struct {
	Parents []Index // in the order of its links
	Work    uint64
	Placement
}

// Load makes a graph of records that come in the order of their indices, from 1. It takes their
// placements as they are and keeps nothing of what it is given. The cost is linear.
func Load(records iter.Seq2[Record, error]) (*DAG, error) {
	d := New()
	l := loading{d: d}
	l.mergesets.push() // of the root
	for r, err := range records {
		if err == nil {
			err = d.checkRecord(&r)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", d.len()+1, err)
		}
		d.plant(r.Parents, &r.Placement, r.Work)
		l.keep(r.Mergeset)
	}
	if d.len() > 0 {
		l.lay()
		l.enter()
	}
	return d, nil
}

// checkRecord refuses what would break the structure. It does not place the record again.
func (d *DAG) checkRecord(r *Record) error {
	if len(r.Parents) > MaxParents {
		return fmt.Errorf("%d parents are more than %d", len(r.Parents), MaxParents)
	}
	for _, p := range r.Parents {
		if !d.known(p) {
			return fmt.Errorf("its parent %d does not come before it", p)
		}
	}
	if (r.Main == 0) != (len(r.Parents) == 0) || r.Main != 0 && !slices.Contains(r.Parents, r.Main) {
		return fmt.Errorf("its main parent %d is not one of its parents", r.Main)
	}
	if len(r.Mergeset) > MaxMergeset {
		return fmt.Errorf("its mergeset has %d records, more than %d", len(r.Mergeset), MaxMergeset)
	}
	for i, m := range r.Mergeset {
		if !d.known(m) || i > 0 && m <= r.Mergeset[i-1] {
			return fmt.Errorf("its mergeset holds %d, which does not come before it or is out of order", m)
		}
	}
	return nil
}

// loading is what Load remembers until the tour stands.
type loading struct {
	d         *DAG
	members   shelf[Index]
	mergesets arena[mergeset] // by record
}

type mergeset struct{ at, n uint32 }

func (l *loading) keep(set []Index) {
	at := l.members.take(len(set))
	copy(l.members.list(at, len(set)), set)
	*l.mergesets.at(l.mergesets.push()) = mergeset{at, uint32(len(set))}
}

// lay writes the tour. A record's place follows from the sizes of the subtrees before it. Blocks
// are filled only so far that there is room for what comes later.
func (l *loading) lay() {
	d := l.d
	n := d.recs.n
	size := make([]uint32, n)
	for i := n - 1; i > 0; i-- {
		size[i]++
		size[d.recs.at(i).main] += size[i]
	}
	t := &d.tour
	*t = tour{recs: &d.recs}
	t.inners.push() // 0 is no node
	for range (2*n + layBlock - 1) / layBlock {
		t.blocks.push()
	}
	// the place after a record's next elder child; its size is not needed once its brackets stand
	end := size
	l.put(opening(0), 0)
	l.put(closing(0), 2*n-1)
	end[0] = 2*n - 1
	for i := uint32(1); i < n; i++ {
		main := d.recs.at(i).main
		last := end[main] - 1
		first := last + 1 - 2*size[i]
		l.put(opening(i), first)
		l.put(closing(i), last)
		end[main], end[i] = first, last
	}
	t.build()
}

const (
	layBlock = blockLen * 3 / 4
	layInner = innerLen * 3 / 4
)

// put writes a bracket at a place in the tour.
func (l *loading) put(x bracket, place uint32) {
	t := &l.d.tour
	home, at := place/layBlock, place%layBlock
	b := t.blocks.at(home)
	b.brackets[at] = x
	b.n++
	if !x.closes() {
		b.works[at] = uint32(min(l.d.recs.at(x.record()).work, largeWork))
	}
	t.setHome(x, home)
}

// build puts the inner nodes over blocks that stand.
func (t *tour) build() {
	first, n := uint32(0), t.blocks.n // the level below
	for leaves := true; leaves || n > 1; leaves = false {
		start := t.inners.n
		for from := uint32(0); from < n; from += layInner {
			node := t.inners.push()
			in := t.inners.at(node)
			in.leaves = leaves
			for c := from; c < min(n, from+layInner); c++ {
				in.children[in.n], in.sums[in.n] = first+c, t.under(first+c, leaves)
				in.n++
			}
			t.adopt(node, 0)
		}
		first, n = start, t.inners.n-start
	}
}

// under is the work under a block or, otherwise, an inner node.
func (t *tour) under(child uint32, leaf bool) uint64 {
	if leaf {
		b := t.blocks.at(child)
		return t.work(b, 0, int(b.n))
	}
	n := t.inners.at(child)
	return added(n.sums[:n.n])
}

// enter makes the lists of entries. It reads the tour backwards: so each list grows at its end, in
// the wrong order, and no bracket needs to be compared with another.
func (l *loading) enter() {
	d := l.d
	opened := Index(0)              // the record whose opening bracket was met last
	next := make([]Index, d.recs.n) // that one, when the record's closing bracket was met
	for home := d.tour.blocks.n; home > 0; home-- {
		b := d.tour.blocks.at(home - 1)
		for k := int(b.n) - 1; k >= 0; k-- {
			i := b.brackets[k].record()
			if b.brackets[k].closes() {
				next[i] = opened
				continue
			}
			set := l.mergesets.at(i)
			for _, m := range l.members.list(set.at, int(set.n)) {
				d.appendEntry(d.recs.at(m), i, next[i])
			}
			opened = i
		}
	}
	for i := uint32(1); i < d.recs.n; i++ {
		d.entries.reverse(d.recs.at(i))
	}
}

// appendEntry adds an entry in front of the others. That is after them in the list as it grows
// here.
func (d *DAG) appendEntry(r *record, i, next Index) {
	e := &d.entries
	list := []Index(nil)
	if r.class != bundled && r.full() {
		e.bundle(r)
	}
	if r.class == bundled {
		chunks := e.bundleOf(r).chunks
		list = chunks[len(chunks)-1].list
	} else {
		list = e.list(r)
	}
	n := len(list)
	if n > 0 && next != 0 && list[n-1] == next {
		if n > 1 && list[n-2] >= lastMark {
			list[n-1] = i
			return
		}
		list[n-1] |= lastMark // a run's last comes before its first here
	}
	if r.class != bundled {
		e.insert(r, n, i)
		return
	}
	b := e.bundleOf(r)
	if chunk := len(b.chunks) - 1; n >= bundleFull*3/4 && list[n-1] < lastMark {
		b.chunks = append(b.chunks, &bundleChunk{list: []Index{i}})
	} else {
		b.insert(chunk, n, i)
	}
}

// reverse turns a list round.
func (e *entryLists) reverse(r *record) {
	if r.class != bundled {
		slices.Reverse(e.list(r))
		return
	}
	b := e.bundleOf(r)
	slices.Reverse(b.chunks)
	for _, c := range b.chunks {
		slices.Reverse(c.list)
	}
}
