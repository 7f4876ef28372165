package store

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// assign finds for each span a point of its own, and returns their ordinals. Of all ways it takes
// the one whose list of ordinals is the smallest, the first span deciding first.
func assign(where []span, apart bool, points []point) ([]uint64, bool) {
	ordinals := make([]uint64, 0, len(where))
	var used uint32
	for i, s := range where {
		best := -1
		for j, p := range points {
			if used&(1<<j) != 0 || p.key != s.key || !s.contains(p.ordinal) || (best >= 0 && p.ordinal >= points[best].ordinal) {
				continue
			}
			if apart || matchable(where[i+1:], points, used|1<<j) {
				best = j
			}
		}
		if best < 0 {
			return nil, false
		}
		used |= 1 << best
		ordinals = append(ordinals, points[best].ordinal)
	}
	return ordinals, true
}

// matchable reports whether every span can have a point of its own among those that are not used.
// It is bipartite matching by augmenting paths, over at most 15 spans and 15 points.
func matchable(where []span, points []point, used uint32) bool {
	owner := make([]int, len(points)) // 0: free, i+1: taken by span i
	var augment func(i int, seen *uint32) bool
	augment = func(i int, seen *uint32) bool {
		for j, p := range points {
			if (used|*seen)&(1<<j) != 0 || p.key != where[i].key || !where[i].contains(p.ordinal) {
				continue
			}
			*seen |= 1 << j
			if owner[j] == 0 || augment(owner[j]-1, seen) {
				owner[j] = i + 1
				return true
			}
		}
		return false
	}
	for i := range where {
		var seen uint32
		if !augment(i, &seen) {
			return false
		}
	}
	return true
}

// keyMatch is a composite key that the index proposes.
type keyMatch struct {
	composite int64
	points    []point // sorted
	ordinals  []uint64
	id        *protocol.CompositeID // nil: not known
}

func (k *keyMatch) sort() { slices.SortFunc(k.points, point.compare) }
