package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

const (
	// MaxAroundSteps is how far Around looks, in links.
	MaxAroundSteps = 8
	// MaxAround is how many records it returns at most.
	MaxAround = 200
	// aroundWindow is how many records after one are searched for its descendants. A record that is
	// no tip is linked soon.
	aroundWindow = 16384
)

// Neighbor is an attached record near another one in the graph. Step is how many links lie between
// them: below 0 for an ancestor, above 0 for a descendant, and 0 for the record itself.
type Neighbor struct {
	ID     protocol.ID
	Step   int
	Index  uint64
	Weight uint64
	// Record is nil and Damaged is not where the disk damaged the record.
	Record  *protocol.Record
	Damaged *DamagedError
	// Main is the main parent, zero for a record without links. Merges is the size of the mergeset.
	Main   protocol.ID
	Merges int
}

// Around returns an attached record with those that its links lead to and those whose links lead to
// it. They are at most steps away, and at most limit in all. They come in the order of their
// indices, so parents before children. Those nearest by link are taken first, and more tells that
// some were left out. Descendants are found among the next 16,384 records. [ErrNotFound]: no such
// record is attached.
func (s *Store) Around(ctx context.Context, id protocol.ID, steps, limit int) (list []Neighbor, more bool, err error) {
	if steps < 0 || steps > MaxAroundSteps || limit < 1 || limit > MaxAround {
		return nil, false, fmt.Errorf("%w: at most %d steps and %d records", ErrBadQuery, MaxAroundSteps, MaxAround)
	}
	err = s.read(ctx, func(c *conn) error {
		idx, err := c.index(id)
		if err != nil {
			return err
		}
		if idx == 0 {
			return ErrNotFound
		}
		last, err := c.lastNumber()
		if err != nil {
			return err
		}
		near, some := neighborhood(c.dag.Parents, dag.Index(idx), last, steps, limit)
		more = some
		for _, n := range near {
			neighbor, err := c.neighbor(n)
			if err != nil {
				return err
			}
			list = append(list, neighbor)
		}
		return ctx.Err()
	})
	return list, more, err
}

// neighbor reads a record of the neighborhood.
func (c *conn) neighbor(n near) (Neighbor, error) {
	out := Neighbor{Step: n.step, Index: uint64(n.index), Weight: c.weight(int64(n.index))}
	r, err := c.frame(int64(n.index))
	if out.Damaged = asDamaged(err); out.Damaged != nil {
		out.ID, err = out.Damaged.ID, nil
	}
	if err != nil || r == nil {
		return out, err
	}
	out.ID, out.Record = r.ID(), r
	parents := c.dag.Parents(n.index)
	where, err := c.dag.Place(parents)
	if err != nil {
		return out, err
	}
	out.Merges = len(where.Mergeset)
	if i := slices.Index(parents, where.Main); i >= 0 && i < len(r.Links) {
		out.Main = r.Links[i]
	}
	return out, nil
}

// near is a record of a neighborhood.
type near struct {
	index dag.Index
	step  int
}

// neighborhood finds the records at most steps links away from one, in the order of their indices.
// Ancestors get half of what limit leaves, and the rest where there are few descendants.
func neighborhood(parents func(dag.Index) []dag.Index, of, last dag.Index, steps, limit int) (found []near, more bool) {
	down := descendants(parents, of, last, steps, limit)
	room := limit - 1 - min(len(down), (limit-1)/2)
	up := ancestors(parents, of, steps, limit)
	if len(up) > room {
		up, more = up[:room], true
	}
	if room = limit - 1 - len(up); len(down) > room {
		down, more = down[:room], true
	}
	found = append(append(up, near{of, 0}), down...)
	slices.SortFunc(found, func(a, b near) int { return int(int64(a.index) - int64(b.index)) })
	return found, more
}

// ancestors lists what a record's links lead to, the nearest first, and stops above limit.
func ancestors(parents func(dag.Index) []dag.Index, of dag.Index, steps, limit int) (found []near) {
	seen := map[dag.Index]bool{of: true}
	layer := []dag.Index{of}
	for step := -1; step >= -steps && len(found) <= limit; step-- {
		var next []dag.Index
		for _, i := range layer {
			for _, p := range parents(i) {
				if !seen[p] {
					seen[p] = true
					next = append(next, p)
					found = append(found, near{p, step})
				}
			}
		}
		layer = next
	}
	return found
}

// descendants lists the records whose links lead to one, the nearest first. It looks at those that
// follow, whose parents come before them, once.
func descendants(parents func(dag.Index) []dag.Index, of, last dag.Index, steps, limit int) (found []near) {
	away := map[dag.Index]int{of: 0}
	counts := make([]int, steps+1)
	end := min(uint64(last), uint64(of)+aroundWindow)
	for i := uint64(of) + 1; i <= end && steps > 0 && counts[1] <= limit; i++ {
		step := steps + 1
		for _, p := range parents(dag.Index(i)) {
			if s, ok := away[p]; ok {
				step = min(step, s+1)
			}
		}
		// farther ones than fit are not remembered: those nearest are wanted
		if step > steps || counts[step] > limit {
			continue
		}
		away[dag.Index(i)] = step
		counts[step]++
		found = append(found, near{dag.Index(i), step})
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.step - b.step })
	return found
}
