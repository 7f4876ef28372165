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

// LoadIn is Load into a file that is being built. Scratch is for what is needed meanwhile: 20 bytes
// a record, and 8 for each that it merges. Either may be nil: then it is the heap.
func LoadIn(f, scratch *mapped.File, records iter.Seq2[Record, error]) (*DAG, error) {
	d := In(f)
	l := loading{d: d, members: mapped.In[Index](scratch), mergesets: mapped.In[mergeset](scratch),
		size: mapped.In[uint32](scratch), next: mapped.In[Index](scratch), ends: mapped.In[uint32](scratch), entries: mapped.In[Index](scratch)}
	l.mergesets.Push() // of the root
	l.ends.Push()
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
	// ends is how many entries a record has at first. Then it is where they end in entries, and
	// when all are in, where they begin.
	ends    mapped.Arena[uint32]
	entries mapped.Arena[Index]
}

type mergeset struct{ at, n uint32 }

func (l *loading) keep(set []Index) {
	at := l.members.Take(len(set))
	copy(l.members.List(at, len(set)), set)
	*l.mergesets.At(l.mergesets.Push()) = mergeset{at, uint32(len(set))}
	l.ends.Push()
	for _, m := range set {
		*l.ends.At(m)++
	}
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

// Records come where the newest are, mostly. So the blocks of old ones are nearly full.
const (
	layBlock = blockLen - 2
	layInner = innerLen - 2
)

// put writes a bracket at a place in the tour.
func (l *loading) put(x bracket, place uint32) {
	t := &l.d.tour
	home, at := place/layBlock, place%layBlock
	b := t.blocks.At(home)
	b.brackets[at] = x
	b.n++
	if !x.closes() {
		b.works[at] = uint16(min(l.d.recs.At(x.record()).work, largeShare))
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

// enter makes the lists of entries. It reads the tour backwards: so no bracket needs to be compared
// with another.
func (l *loading) enter() {
	d := l.d
	opened := Index(0) // the record whose opening bracket was met last
	total := uint32(0)
	for i := range d.recs.Len() {
		l.next.Push() // that one, when the record's closing bracket was met
		total += *l.ends.At(i)
		*l.ends.At(i) = total
	}
	for range total {
		l.entries.Push()
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
				end := l.ends.At(m)
				*end--
				*l.entries.At(*end) = i
			}
			opened = i
		}
	}
	var list []Index
	for i := range d.recs.Len() {
		to := total
		if i+1 < d.recs.Len() {
			to = *l.ends.At(i + 1)
		}
		list = l.runs(list[:0], *l.ends.At(i), to)
		d.entries.fill(i, d.recs.At(i), list)
	}
}

// runs appends the runs of some entries, which are in the order of the tour.
func (l *loading) runs(list []Index, from, to uint32) []Index {
	for next := Index(0); from < to; from++ {
		x := *l.entries.At(from)
		n := len(list)
		switch {
		case n == 0 || x != next:
			list = append(list, x)
		case list[n-1] >= lastMark:
			list[n-1] = x | lastMark
		default:
			list = append(list, x|lastMark)
		}
		next = *l.next.At(x)
	}
	return list
}

// fill gives a record its first list, of any length.
func (e *entryLists) fill(i Index, r *record, list []Index) {
	if len(list) <= maxList {
		var room [2 * maxList]byte
		if short := appendList(room[:0], i, list); len(short) <= maxList {
			e.set(r, short)
			return
		}
	}
	b := new(bundle)
	for len(list) > 0 {
		n := min(len(list), bundleFull*3/4)
		if n < len(list) && list[n] >= lastMark {
			n++
		}
		b.chunks = append(b.chunks, &bundleChunk{list: slices.Clone(list[:n])})
		list = list[n:]
	}
	e.bundle(r, b)
}
