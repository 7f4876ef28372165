package dag

import (
	"fmt"
	"slices"
)

// Place finds where a record with these parents, in the order of its links, stands. It changes nothing. The error is a
// *WideError where the mergeset would be greater than MaxMergeset.
func (d *DAG) Place(parents []Index) (Placement, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.place(parents)
}

func (d *DAG) place(parents []Index) (Placement, error) {
	if len(parents) == 0 {
		return Placement{}, nil
	}
	for _, p := range parents {
		if !d.known(p) {
			return Placement{}, fmt.Errorf("no record has the index %d: the newest is %d", p, d.len())
		}
	}
	w := d.walkFrom(d.heaviest(parents))
	for _, p := range parents {
		if !w.add(p) {
			return Placement{}, &WideError{Main: w.main}
		}
	}
	mergeset := slices.Clone(w.found)
	slices.Sort(mergeset)
	return Placement{Main: w.main, Mergeset: mergeset}, nil
}

// heaviest is the one with the greatest past, the last one where several have it.
func (d *DAG) heaviest(of []Index) Index {
	best := of[0]
	for _, p := range of[1:] {
		if d.recs[p].past >= d.recs[best].past {
			best = p
		}
	}
	return best
}

// walk gathers what is in the past of some records and not in that of main.
type walk struct {
	d     *DAG
	main  Index
	seen  map[Index]bool // true: found, false: within main
	found []Index
	stack []Index
}

func (d *DAG) walkFrom(main Index) *walk { return &walk{d: d, main: main, seen: map[Index]bool{}} }

// covered says whether r is found already or within main.
func (w *walk) covered(r Index) bool { return w.seen[r] || w.d.within(r, w.main) }

// add gathers r and its past. Where that makes more than MaxMergeset, it adds nothing and says so.
func (w *walk) add(r Index) bool {
	mark := len(w.found)
	w.stack = append(w.stack[:0], r)
	for len(w.stack) > 0 {
		a := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if _, seen := w.seen[a]; seen {
			continue
		}
		w.seen[a] = !w.d.within(a, w.main)
		if !w.seen[a] {
			continue
		}
		if w.found = append(w.found, a); len(w.found) > MaxMergeset {
			w.rewind(mark)
			return false
		}
		w.stack = append(w.stack, w.d.parents(a)...)
	}
	return true
}

// rewind forgets what was found after the first mark records.
func (w *walk) rewind(mark int) {
	for _, r := range w.found[mark:] {
		delete(w.seen, r)
	}
	w.found = w.found[:mark]
}
