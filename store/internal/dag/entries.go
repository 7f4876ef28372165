package dag

import "github.com/lf-store/lf/internal/mapped"

import "slices"

// The entries of a record are kept as runs, in the order of the tour. A run is all entries from a
// first to a last one with nothing but closing brackets from one's end to the next one's start.
// Nothing ever comes in there, so a run stays one, and its work is one sum. A thousand siblings
// that merge the same branch are one run to each record of it. A list has a run's first entry and
// then, if it is another one, its last with lastMark.
const lastMark = 1 << 31

// Short lists are in the record itself, longer ones on a shelf, those beyond the greatest class in
// a bundle. record.class says which: 0, 1.., bundled.
const bundled = 255

// classes are how many numbers a list has room for.
var classes = [...]uint16{2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128}

type entryLists struct {
	shelf   mapped.Arena[Index]
	free    [len(classes)][]uint32 // addresses of lists given back
	bundles []*bundle
	unused  []uint32 // numbers in bundles
}

// list is a record's, unless bundled. It changes in place with the record.
func (e *entryLists) list(r *record) []Index {
	if r.class == 0 {
		return r.own[:r.entries]
	}
	return e.shelf.List(r.own[0], int(r.entries))
}

// insert puts a number at a place in the list of a record.
func (e *entryLists) insert(r *record, at int, x Index) {
	if r.entries == classes[r.class] {
		e.resize(r, r.class+1)
	}
	r.entries++
	list := e.list(r)
	copy(list[at+1:], list[at:])
	list[at] = x
}

// full says whether a record's list has to become a bundle before another number comes in.
func (r *record) full() bool {
	return int(r.class) == len(classes)-1 && r.entries == classes[r.class]
}

// delete takes a number out of the list of a record.
func (e *entryLists) delete(r *record, at int) {
	list := e.list(r)
	copy(list[at:], list[at+1:])
	if r.entries--; r.class > 0 && r.entries <= classes[r.class-1] {
		e.resize(r, r.class-1)
	}
}

// resize moves a list to another class.
func (e *entryLists) resize(r *record, class uint8) {
	old, was, from := e.list(r), r.class, r.own[0]
	if class == 0 {
		copy(r.own[:], old)
	} else {
		to := e.take(class)
		copy(e.shelf.List(to, len(old)), old)
		r.own[0] = to
	}
	r.class = class
	if was != 0 {
		e.free[was] = append(e.free[was], from)
	}
}

func (e *entryLists) take(class uint8) uint32 {
	if last := len(e.free[class]) - 1; last >= 0 {
		at := e.free[class][last]
		e.free[class] = e.free[class][:last]
		return at
	}
	return e.shelf.Take(int(classes[class]))
}

// bundle moves a list from the shelf to a bundle.
func (e *entryLists) bundle(r *record) {
	b := newBundle(e.list(r))
	e.free[r.class] = append(e.free[r.class], r.own[0])
	number := uint32(len(e.bundles))
	if last := len(e.unused) - 1; last >= 0 {
		number, e.unused = e.unused[last], e.unused[:last]
		e.bundles[number] = b
	} else {
		e.bundles = append(e.bundles, b)
	}
	r.class, r.entries, r.own[0] = bundled, 0, number
}

// drop takes an empty bundle back.
func (e *entryLists) drop(r *record) {
	number := r.own[0]
	e.bundles[number] = nil
	e.unused = append(e.unused, number)
	r.class, r.entries, r.own = 0, 0, [2]Index{}
}

func (e *entryLists) bytes() int {
	total := e.shelf.Bytes() + 8*cap(e.bundles) + 4*cap(e.unused)
	for _, f := range e.free {
		total += 4 * cap(f)
	}
	for _, b := range e.bundles {
		if b != nil {
			total += b.bytes()
		}
	}
	return total
}

// bundleOf is the bundle of a record that has one.
func (e *entryLists) bundleOf(r *record) *bundle { return e.bundles[r.own[0]] }

// addEntry makes p's record, already in the tour, an entry of r. Next is the record that follows it
// there.
func (d *DAG) addEntry(r *record, p *point, next Index) {
	e := &d.entries
	if r.class != bundled && r.full() {
		e.bundle(r)
	}
	if r.class == bundled {
		d.addBundled(e.bundleOf(r), p, next)
		return
	}
	list := e.list(r)
	if i := slices.Index(list, next); i >= 0 {
		if !longRun(list, i) {
			e.insert(r, i, 0)
			list = e.list(r)
			list[i+1] = next | lastMark
		}
		list[i] = p.record
		return
	}
	e.insert(r, d.placeAfter(list, p), p.record)
}

// longRun says whether the run that starts at i has a last entry that is not the first.
func longRun(list []Index, i int) bool { return i+1 < len(list) && list[i+1] >= lastMark }

// removeEntry takes back what addEntry did for the newest record.
func (d *DAG) removeEntry(r *record, p *point, next Index) {
	e := &d.entries
	if r.class == bundled {
		if d.removeBundled(e.bundleOf(r), p, next) {
			e.drop(r)
		}
		return
	}
	list := e.list(r)
	i := slices.Index(list, p.record)
	if shortens(list, i, next) {
		e.delete(r, i)
	}
}

// shortens takes the first entry from the run at i: next becomes the first. It says whether the
// number at i has to go.
func shortens(list []Index, i int, next Index) bool {
	if !longRun(list, i) {
		return true
	}
	if list[i+1] == next|lastMark {
		list[i+1] = next
		return true
	}
	list[i] = next
	return false
}

// placeAfter is the place in a list after all runs that start at p or before it.
func (d *DAG) placeAfter(list []Index, p *point) int {
	from, to := 0, len(list)
	for from < to {
		mid := int(uint(from+to) / 2)
		if list[mid] >= lastMark {
			mid--
		}
		if !d.opened(list[mid], p) {
			to = mid
		} else if from = mid + 1; longRun(list, mid) {
			from++
		}
	}
	return from
}

// opened says whether the opening bracket of i is at p or before it, closed whether the closing one
// is before it.
func (d *DAG) opened(i Index, p *point) bool { return d.tour.reached(opening(i), d.recs.At(i).open, p) }
func (d *DAG) closed(i Index, p *point) bool {
	return d.tour.reached(closing(i), d.recs.At(i).close, p)
}

// entered says whether one of the entries of r is p's record or above it in the tree.
func (d *DAG) entered(r *record, p *point) bool {
	list := []Index(nil)
	if r.class == bundled {
		b := d.entries.bundleOf(r)
		list = b.chunks[d.chunkOf(b, p)].list
	} else {
		list = d.entries.list(r)
	}
	i := d.placeAfter(list, p)
	return i > 0 && !d.closed(list[i-1]&^lastMark, p)
}

// merged is the work under the entries of r.
func (d *DAG) merged(r *record) uint64 {
	if r.class == bundled {
		return d.bundleWork(d.entries.bundleOf(r))
	}
	return d.listWork(d.entries.list(r))
}

func (d *DAG) listWork(list []Index) uint64 {
	total := uint64(0)
	for i, first := range list {
		last := first
		if first >= lastMark {
			continue
		}
		if longRun(list, i) {
			last = list[i+1] &^ lastMark
		}
		total += d.tour.sum(opening(first), closing(last))
	}
	return total
}
