package dag

import (
	"sync"

	"github.com/lf-store/lf/internal/mapped"
)

// Index is a record's local index: dense, from 1, parents before children. 0 is no record.
type Index = uint32

const (
	// MaxMergeset is the greatest number of records that a mergeset may have.
	MaxMergeset = 1024
	// MaxParents is the greatest number of parents that a record may have here; the format allows
	// fewer.
	MaxParents = 255
)

// maxLen is how many records fit: a bracket and a walk need bits in addition to the index.
const maxLen = 1<<30 - 1

// Placement says where a record stands in the graph. It is a function of the record's past alone.
type Placement struct {
	Main     Index   // the parent with the greatest past work, 0 for a record without parents
	Mergeset []Index // the records of its past that are neither Main nor in Main's past, ascending
}

// DAG is the graph. One goroutine may change it while any number read.
type DAG struct {
	mu sync.RWMutex
	// 0 is the root of the tree of main parents, above all records without parents
	recs    recordArena
	parents mapped.Arena[Index]
	tour    tour
	entries entryLists
	era     uint64 // how often records were taken out
	bound   int    // of a mergeset: MaxMergeset, less in tests
}

// New makes a graph without records, on the heap.
func New() *DAG { return In(nil) }

// In makes a graph without records in a file that is being built; nil: on the heap.
func In(f *mapped.File) *DAG {
	d := &DAG{bound: MaxMergeset, recs: recordArena{Arena: mapped.In[record](f)}, parents: mapped.In[Index](f)}
	d.entries.shelf = mapped.In[shelfWord](f)
	d.tour.blocks, d.tour.inners = mapped.In[block](f), mapped.In[inner](f)
	d.recs.Push()
	d.tour.begin(&d.recs)
	return d
}

// Len is the number of records, and so the index of the newest.
func (d *DAG) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.len()
}

func (d *DAG) len() int { return int(d.recs.Len()) - 1 }

// Add adds a record where Place put it and returns its index. Work counts as 1 at least.
func (d *DAG) Add(parents []Index, p Placement, work uint64) Index {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.plant(parents, &p, work)
	d.tour.insert(i, p.Main)
	if len(p.Mergeset) == 0 {
		return i
	}
	var at point
	d.tour.locate(&at, i)
	next := d.tour.next(i)
	for _, m := range p.Mergeset {
		d.addEntry(m, &at, next)
	}
	return i
}

// plant adds a record to the tree of main parents, and not yet to the tour. Jumps are skew-binary:
// from each record the way down to any depth takes a logarithm of steps.
func (d *DAG) plant(parents []Index, p *Placement, work uint64) Index {
	if d.len() >= maxLen {
		panic("dag: full")
	}
	i := d.recs.Push()
	r := d.recs.At(i)
	d.recs.setWork(i, max(work, 1))
	d.setParents(r, parents, p.Main)
	m := d.recs.At(p.Main)
	j := d.recs.At(m.jump)
	r.depth, r.jump = m.depth+1, p.Main
	if m.depth-j.depth == j.depth-d.recs.At(j.jump).depth {
		r.jump = j.jump
	}
	r.past = m.past + d.recs.work(p.Main)
	for _, x := range p.Mergeset {
		r.past += d.recs.work(x)
	}
	return i
}

// Truncate forgets the records above n: those of a batch that was taken back.
func (d *DAG) Truncate(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.len() > max(n, 0) {
		d.uproot(Index(d.len()))
	}
	d.era++
}

// uproot takes the newest record out.
func (d *DAG) uproot(i Index) {
	r := d.recs.At(i)
	if r.main != 0 {
		var at point
		d.tour.locate(&at, i)
		next := d.tour.next(i)
		w := d.walkFrom(r.main)
		w.all(d.parentsOf(i))
		for _, m := range w.found {
			d.removeEntry(m, &at, next)
		}
		w.end()
	}
	d.tour.remove(i)
	if r.links > 2 {
		d.parents.Cut(r.others)
	}
	delete(d.recs.large, i)
	d.recs.Cut(i)
}

// Weight is the work of a record and of all its descendants, 0 for an index that is none.
func (d *DAG) Weight(i Index) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return 0
	}
	return d.tour.subtree(i) + d.merged(i)
}

// WeightUpTo is what Weight would be if the records above n were not there yet. It asks for each of
// those whether it descends from i.
func (d *DAG) WeightUpTo(i Index, n int) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) || int64(i) > int64(n) {
		return 0
	}
	weight := d.tour.subtree(i) + d.merged(i)
	for x := n + 1; x <= d.len(); x++ {
		if d.within(i, Index(x)) {
			weight -= d.recs.work(Index(x))
		}
	}
	return weight
}

// WorkUpTo is the work of all records up to n.
func (d *DAG) WorkUpTo(n int) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	work := d.tour.subtree(0)
	for x := n + 1; x <= d.len(); x++ {
		work -= d.recs.work(Index(x))
	}
	return work
}

// Past is the work of a record's proper ancestors.
func (d *DAG) Past(i Index) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return 0
	}
	return d.recs.At(i).past
}

// Ancestor says whether a is in the past of b. No record is in its own.
func (d *DAG) Ancestor(a, b Index) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.known(a) && d.known(b) && a != b && d.within(a, b)
}

func (d *DAG) known(i Index) bool { return i > 0 && int64(i) <= int64(d.len()) }

// Parents are a record's, in the order of its links.
func (d *DAG) Parents(i Index) []Index {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return nil
	}
	return d.parentsOf(i)
}

// within says whether a is b or in its past.
func (d *DAG) within(a, b Index) bool {
	if !d.before(a, b) {
		return a == b
	}
	var p point
	d.tour.locate(&p, b)
	return d.passes(a, &p)
}

// before says what one sees without looking at the tour: false where a cannot be in the past of b.
func (d *DAG) before(a, b Index) bool { return a < b && d.recs.At(a).past < d.recs.At(b).past }

// passes says whether a, which is not p's record, is above it in the tree or has an entry that is.
func (d *DAG) passes(a Index, p *point) bool {
	r := d.recs.At(a)
	if d.opened(a, p) && !d.closed(a, p) {
		return true
	}
	return r.entries > 0 && d.entered(a, p)
}

// Bytes is the memory held.
func (d *DAG) Bytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.recs.Bytes() + d.parents.Bytes() + d.tour.bytes() + d.entries.memory()
}
