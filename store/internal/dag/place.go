package dag

import (
	"fmt"
	"slices"
)

// Place finds where a record with these parents, in the order of its links, stands. It changes
// nothing. The error is a *WideError where the mergeset would be greater than MaxMergeset.
func (d *DAG) Place(parents []Index) (Placement, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.place(parents)
}

func (d *DAG) place(parents []Index) (Placement, error) {
	if len(parents) == 0 {
		return Placement{}, nil
	}
	if len(parents) > MaxParents {
		return Placement{}, fmt.Errorf("%d parents are more than %d", len(parents), MaxParents)
	}
	for _, p := range parents {
		if !d.known(p) {
			return Placement{}, fmt.Errorf("no record has the index %d: the newest is %d", p, d.len())
		}
	}
	w := d.walkFrom(d.heaviest(parents))
	defer w.end()
	if !w.all(parents) {
		return Placement{}, &WideError{Main: w.main}
	}
	mergeset := slices.Clone(w.found)
	slices.Sort(mergeset)
	return Placement{Main: w.main, Mergeset: mergeset}, nil
}

// heaviest is the one with the greatest past, the last one where several have it.
func (d *DAG) heaviest(of []Index) Index {
	best := of[0]
	for _, p := range of[1:] {
		if d.recs.At(p).past >= d.recs.At(best).past {
			best = p
		}
	}
	return best
}

// A WideError says that a record with these links would have too great a mergeset.
type WideError struct {
	Main Index // the link that would be the main parent
}

func (e *WideError) Error() string {
	return fmt.Sprintf("the links bring together more than %d records that are not in the past of the heaviest of them, number %d: "+
		"link a long branch in steps", MaxMergeset, e.Main)
}
