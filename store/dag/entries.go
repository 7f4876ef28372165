package dag

import (
	"slices"
	"sort"
)

// A run is a piece of a record's entries: all that lie from first to last in the tour, where nothing but closing
// brackets is between one entry's end and the next one's start. Nothing ever comes between those, so a run stays one,
// its work is one sum, and a thousand siblings that merge the same branch are one run to each record of it.
type run struct{ first, last Index }

// The runs of a record are in the order of the tour. One is in the record itself, up to the greatest class are on a
// shelf, more are in a bundle; record.class says which: 0, 1.., bundled.
const bundled = 255

// classes are the lengths of lists on the shelf.
var classes = [...]uint16{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}

type entryLists struct {
	shelf   shelf[run]
	free    [len(classes)][]uint32 // addresses of lists given back
	bundles []*bundle
	unused  []uint32 // numbers in bundles
}

// runs are a record's, unless bundled. They change in place with the record.
func (e *entryLists) runs(r *record) []run {
	if r.class == 0 {
		return r.own[:r.runs]
	}
	return e.shelf.list(r.own[0].first, int(r.runs))
}

// insert puts a run at a place in the list of a record that is not bundled.
func (e *entryLists) insert(r *record, at int, x run) {
	if r.runs == classes[r.class] {
		if int(r.class) == len(classes)-1 {
			e.bundle(r)
			e.bundles[r.own[0].first].insert(at/bundleFill, at%bundleFill, x)
			return
		}
		e.resize(r, r.class+1)
	}
	r.runs++
	list := e.runs(r)
	copy(list[at+1:], list[at:])
	list[at] = x
}

// resize moves a list to another class.
func (e *entryLists) resize(r *record, class uint8) {
	old, was, from := e.runs(r), r.class, r.own[0].first
	if class == 0 {
		copy(r.own[:], old)
	} else {
		to := e.take(class)
		copy(e.shelf.list(to, len(old)), old)
		r.own[0] = run{first: to}
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
	return e.shelf.take(int(classes[class]))
}

// delete takes a run out of the list of a record that is not bundled.
func (e *entryLists) delete(r *record, at int) {
	list := e.runs(r)
	copy(list[at:], list[at+1:])
	if r.runs--; r.class > 0 && r.runs <= classes[r.class-1] {
		e.resize(r, r.class-1)
	}
}

// bundle moves a list from the shelf to a bundle.
func (e *entryLists) bundle(r *record) {
	b := newBundle(e.runs(r))
	e.free[r.class] = append(e.free[r.class], r.own[0].first)
	number := uint32(len(e.bundles))
	if last := len(e.unused) - 1; last >= 0 {
		number, e.unused = e.unused[last], e.unused[:last]
		e.bundles[number] = b
	} else {
		e.bundles = append(e.bundles, b)
	}
	r.class, r.runs, r.own[0] = bundled, 0, run{first: number}
}

// drop takes an empty bundle back.
func (e *entryLists) drop(r *record) {
	number := r.own[0].first
	e.bundles[number] = nil
	e.unused = append(e.unused, number)
	r.class, r.runs, r.own[0] = 0, 0, run{}
}

func (e *entryLists) bytes() int {
	total := e.shelf.bytes() + 8*cap(e.bundles) + 4*cap(e.unused)
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

// addEntry makes p's record, already in the tour, an entry of r. Next is the record that follows it there.
func (d *DAG) addEntry(r *record, p *point, next Index) {
	if r.class == bundled {
		d.addBundled(d.entries.bundles[r.own[0].first], p, next)
		return
	}
	runs := d.entries.runs(r)
	if next != 0 {
		for i := range runs {
			if runs[i].first == next {
				runs[i].first = p.record
				return
			}
		}
	}
	d.entries.insert(r, d.behind(runs, p), run{p.record, p.record})
}

// removeEntry takes back what addEntry did for the newest record.
func (d *DAG) removeEntry(r *record, p *point, next Index) {
	if r.class == bundled {
		if b := d.entries.bundles[r.own[0].first]; d.removeBundled(b, p, next) {
			d.entries.drop(r)
		}
		return
	}
	runs := d.entries.runs(r)
	at := slices.IndexFunc(runs, func(x run) bool { return x.first == p.record })
	if runs[at].last != p.record {
		runs[at].first = next
		return
	}
	d.entries.delete(r, at)
}

// behind is how many of the runs start at p or before it.
func (d *DAG) behind(runs []run, p *point) int {
	return sort.Search(len(runs), func(i int) bool { return !d.opened(runs[i].first, p) })
}

// opened says whether the opening bracket of i is at p or before it, closed whether the closing one is before it.
func (d *DAG) opened(i Index, p *point) bool { return d.tour.reached(opening(i), d.recs.at(i).open, p) }
func (d *DAG) closed(i Index, p *point) bool {
	return d.tour.reached(closing(i), d.recs.at(i).close, p)
}

// entered says whether one of the entries of r is p's record or above it in the tree.
func (d *DAG) entered(r *record, p *point) bool {
	runs := []run(nil)
	if r.class == bundled {
		runs = d.chunkAt(d.entries.bundles[r.own[0].first], p)
	} else {
		runs = d.entries.runs(r)
	}
	i := d.behind(runs, p)
	return i > 0 && !d.closed(runs[i-1].last, p)
}

// merged is the work under the entries of r.
func (d *DAG) merged(r *record) uint64 {
	if r.class == bundled {
		return d.bundleWork(d.entries.bundles[r.own[0].first])
	}
	return d.runsWork(d.entries.runs(r))
}

func (d *DAG) runsWork(runs []run) uint64 {
	total := uint64(0)
	for _, x := range runs {
		total += d.tour.sum(opening(x.first), closing(x.last))
	}
	return total
}
