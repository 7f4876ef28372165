package dag

import (
	"fmt"
	"slices"
	"sync"
)

// Index is a record's local index: dense, from 1, parents before children. 0 is no record.
type Index = uint32

// MaxMergeset is the greatest number of records that a mergeset may have.
const MaxMergeset = 1024

// Placement says where a record stands in the graph. It is a function of the record's past alone.
type Placement struct {
	Main     Index   // the parent with the greatest past work, 0 for a record without parents
	Mergeset []Index // the records of its past that are neither Main nor in Main's past, ascending
}

// DAG is the graph. One goroutine may add to it while any number read.
type DAG struct {
	mu   sync.RWMutex
	recs []record
}

type record struct {
	parents         []Index
	main, jump      Index
	depth           uint32
	work, past, sum uint64
}

// New makes a graph without records.
func New() *DAG { return &DAG{recs: make([]record, 1)} }

// Len is the number of records, and so the index of the newest.
func (d *DAG) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.len()
}

func (d *DAG) len() int { return len(d.recs) - 1 }

// Add adds a record where Place put it and returns its index. Work counts as 1 at least.
func (d *DAG) Add(parents []Index, p Placement, work uint64) Index {
	d.mu.Lock()
	defer d.mu.Unlock()
	work = max(work, 1)
	r := record{parents: slices.Clone(parents), main: p.Main, work: work, sum: work}
	if p.Main != 0 {
		m := &d.recs[p.Main]
		r.past = m.past + m.work
		for _, x := range p.Mergeset {
			r.past += d.recs[x].work
		}
	}
	m, j := &d.recs[p.Main], &d.recs[d.recs[p.Main].jump]
	r.depth, r.jump = m.depth+1, p.Main
	if m.depth-j.depth == j.depth-d.recs[j.jump].depth {
		r.jump = j.jump
	}
	d.recs = append(d.recs, r)
	i := Index(d.len())
	d.eachPast(i, func(a Index) { d.recs[a].sum += work })
	return i
}

func (d *DAG) eachPast(i Index, visit func(Index)) {
	seen := map[Index]bool{}
	stack := slices.Clone(d.recs[i].parents)
	for len(stack) > 0 {
		a := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !seen[a] {
			seen[a] = true
			visit(a)
			stack = append(stack, d.recs[a].parents...)
		}
	}
}

// Truncate forgets the records above n.
func (d *DAG) Truncate(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := d.len(); i > max(n, 0); i-- {
		work := d.recs[i].work
		d.eachPast(Index(i), func(a Index) { d.recs[a].sum -= work })
		d.recs = d.recs[:i]
	}
}

// Weight is the work of a record and of all its descendants.
func (d *DAG) Weight(i Index) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return 0
	}
	return d.recs[i].sum
}

// Past is the work of a record's proper ancestors.
func (d *DAG) Past(i Index) uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return 0
	}
	return d.recs[i].past
}

// Ancestor says whether a is in the past of b. No record is in its own.
func (d *DAG) Ancestor(a, b Index) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.known(a) && d.known(b) && a != b && d.within(a, b)
}

func (d *DAG) known(i Index) bool { return i > 0 && int(i) <= d.len() }

func (d *DAG) parents(i Index) []Index { return d.recs[i].parents }

// within says whether a is b or in its past.
func (d *DAG) within(a, b Index) bool {
	if a == 0 || a == b {
		return true
	}
	found := false
	d.eachPast(b, func(p Index) { found = found || p == a })
	return found
}

// Bytes is the memory held.
func (d *DAG) Bytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return 100 * cap(d.recs)
}

// A WideError says that a record with these links would have too great a mergeset.
type WideError struct {
	Main Index // the link that would be the main parent
}

func (e *WideError) Error() string {
	return fmt.Sprintf("the links bring together more than %d records that are not in the past of the heaviest of them, number %d; "+
		"link branches this long in steps", MaxMergeset, e.Main)
}
