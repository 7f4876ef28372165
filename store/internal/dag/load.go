package dag

import (
	"fmt"
	"iter"
	"slices"

	"github.com/lf-store/lf/internal/mapped"
)

// Record is what Load needs to know of a record.
type Record struct {
	Parents []Index // in the order of its links
	Work    uint64
	Placement
}

// Load makes a graph of records that come in the order of their indices, from 1. It takes their
// placements as they are and keeps nothing of what it is given. The cost is linear.
func Load(records iter.Seq2[Record, error]) (*DAG, error) { return LoadIn(nil, nil, records) }

// LoadIn is Load into a file that is being built. Scratch is for what is needed meanwhile: 40 bytes
// a record. Either may be nil: then it is the heap.
func LoadIn(f, scratch *mapped.File, records iter.Seq2[Record, error]) (*DAG, error) {
	d := In(f)
	l := loading{d: d, members: mapped.In[Index](scratch), mergesets: mapped.In[mergeset](scratch),
		size: mapped.In[uint32](scratch), next: mapped.In[Index](scratch)}
	l.mergesets.Push() // of the root
	for r, err := range records {
		if err == nil {
			err = d.Check(&r)
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

// Check refuses a record whose addition would break the structure. It does not place it again.
func (d *DAG) Check(r *Record) error {
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
	members   mapped.Arena[Index]
	mergesets mapped.Arena[mergeset] // by record
	// size is half the brackets of a record's subtree, and then where its next elder child ends.
	size mapped.Arena[uint32]
	next mapped.Arena[Index] // the record that follows the record's subtree in the tour
}

type mergeset struct{ at, n uint32 }

func (l *loading) keep(set []Index) {
	at := l.members.Take(len(set))
	copy(l.members.List(at, len(set)), set)
	*l.mergesets.At(l.mergesets.Push()) = mergeset{at, uint32(len(set))}
}

// lay writes the tour. A record's place follows from the sizes of the subtrees before it. Blocks
// are filled only so far that there is room for what comes later.
func (l *loading) lay() {
	d := l.d
	n := d.recs.Len()
	for range n {
		l.size.Push()
	}
	for i := n - 1; i > 0; i-- {
		size := l.size.At(i)
		*size++
		*l.size.At(d.recs.At(i).main) += *size
	}
	t := &d.tour
	t.blocks.Cut(0)
	t.inners.Cut(0)
	t.inners.Push() // 0 is no node
	for range (2*n + layBlock - 1) / layBlock {
		t.blocks.Push()
	}
	end := &l.size // a size is not needed once the record's brackets stand
	l.put(opening(0), 0)
	l.put(closing(0), 2*n-1)
	*end.At(0) = 2*n - 1
	for i := uint32(1); i < n; i++ {
		above, size := end.At(d.recs.At(i).main), l.size.At(i)
		last := *above - 1
		first := last + 1 - 2**size
		l.put(opening(i), first)
		l.put(closing(i), last)
		*above, *size = first, last
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
	b := t.blocks.At(home)
	b.brackets[at] = x
	b.n++
	if !x.closes() {
		b.works[at] = uint32(min(l.d.recs.At(x.record()).work, largeWork))
	}
	t.setHome(x, home)
}

// build puts the inner nodes over blocks that stand.
func (t *tour) build() {
	first, n := uint32(0), t.blocks.Len() // the level below
	for leaves := true; leaves || n > 1; leaves = false {
		start := t.inners.Len()
		for from := uint32(0); from < n; from += layInner {
			node := t.inners.Push()
			in := t.inners.At(node)
			in.leaves = leaves
			for c := from; c < min(n, from+layInner); c++ {
				in.children[in.n], in.sums[in.n] = first+c, t.under(first+c, leaves)
				in.n++
			}
			t.adopt(node, 0)
		}
		first, n = start, t.inners.Len()-start
	}
}

// under is the work under a block or, otherwise, an inner node.
func (t *tour) under(child uint32, leaf bool) uint64 {
	if leaf {
		b := t.blocks.At(child)
		return t.work(b, 0, int(b.n))
	}
	n := t.inners.At(child)
	return added(n.sums[:n.n])
}

// enter makes the lists of entries. It reads the tour backwards: so each list grows at its end, in
// the wrong order, and no bracket needs to be compared with another.
func (l *loading) enter() {
	d := l.d
	opened := Index(0) // the record whose opening bracket was met last
	for range d.recs.Len() {
		l.next.Push() // that one, when the record's closing bracket was met
	}
	for home := d.tour.blocks.Len(); home > 0; home-- {
		b := d.tour.blocks.At(home - 1)
		for k := int(b.n) - 1; k >= 0; k-- {
			i := b.brackets[k].record()
			if b.brackets[k].closes() {
				*l.next.At(i) = opened
				continue
			}
			set := l.mergesets.At(i)
			for _, m := range l.members.List(set.at, int(set.n)) {
				d.appendEntry(d.recs.At(m), i, *l.next.At(i))
			}
			opened = i
		}
	}
	for i := uint32(1); i < d.recs.Len(); i++ {
		d.entries.reverse(d.recs.At(i))
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
