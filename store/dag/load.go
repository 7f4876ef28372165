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

// Load makes a graph of records that come in the order of their indices, from 1. It takes their placements as they are
// and keeps nothing of what it is given.
func Load(records iter.Seq2[Record, error]) (*DAG, error) {
	d := New()
	for r, err := range records {
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", d.len()+1, err)
		}
		if err := d.checkRecord(&r); err != nil {
			return nil, fmt.Errorf("record %d: %w", d.len()+1, err)
		}
		d.Add(r.Parents, r.Placement, r.Work)
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
	for _, m := range r.Mergeset {
		if !d.known(m) {
			return fmt.Errorf("%d of its mergeset does not come before it", m)
		}
	}
	return nil
}
