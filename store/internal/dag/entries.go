package dag

import "slices"

// The entries of a record are kept as runs, in the order of the tour. A run is all entries from a
// first to a last one with nothing but closing brackets from one's end to the next one's start.
// Nothing ever comes in there, so a run stays one, and its work is one sum. A thousand siblings
// that merge the same branch are one run to each record of it. A list has a run's first entry and
// then, if it is another one, its last with lastMark.
const lastMark = 1 << 31

// addEntry makes p's record, already in the tour, an entry of r. Next is the record that follows it
// there.
func (d *DAG) addEntry(r Index, p *point, next Index) {
	e := &d.entries
	rec := d.recs.At(r)
	if rec.entries == bundled {
		d.addBundled(e.bundleOf(rec), p, next)
		return
	}
	list := e.listToChange(r, rec)
	switch i := slices.Index(list, next); {
	case i < 0:
		e.splice(r, rec, list, d.placeAfter(list, p), 0, p.record)
	case longRun(list, i):
		e.splice(r, rec, list, i, 1, p.record)
	default:
		e.splice(r, rec, list, i, 1, p.record, next|lastMark)
	}
}

// longRun says whether the run that starts at i has a last entry that is not the first.
func longRun(list []Index, i int) bool { return i+1 < len(list) && list[i+1] >= lastMark }

// removeEntry takes back what addEntry did for the newest record.
func (d *DAG) removeEntry(r Index, p *point, next Index) {
	e := &d.entries
	rec := d.recs.At(r)
	if rec.entries == bundled {
		if d.removeBundled(e.bundleOf(rec), p, next) {
			e.drop(rec)
		}
		return
	}
	list := e.listToChange(r, rec)
	switch i := slices.Index(list, p.record); {
	case !longRun(list, i):
		e.splice(r, rec, list, i, 1)
	case list[i+1] == next|lastMark:
		e.splice(r, rec, list, i, 2, next)
	default:
		e.splice(r, rec, list, i, 1, next)
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

// entered says whether one of the entries of a is p's record or above it in the tree.
func (d *DAG) entered(a Index, p *point) bool {
	var room listRoom
	var list []Index
	if r := d.recs.At(a); r.entries == bundled {
		b := d.entries.bundleOf(r)
		list = b.chunks[d.chunkOf(b, p)].list
	} else {
		list = d.entries.list(a, r, &room)
	}
	i := d.placeAfter(list, p)
	return i > 0 && !d.closed(list[i-1]&^lastMark, p)
}

// merged is the work under the entries of a record.
func (d *DAG) merged(i Index) uint64 {
	r := d.recs.At(i)
	if r.entries == bundled {
		return d.bundleWork(d.entries.bundleOf(r))
	}
	var room listRoom
	return d.listWork(d.entries.list(i, r, &room))
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
