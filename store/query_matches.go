package store

import "github.com/lf-store/lf/protocol"

// Matches reports whether a query with these ranges finds a record with these selectors, and with
// which ordinals, as a [Position] has them.
func Matches(where []Range, open bool, selectors []protocol.SelectorPoint) ([]uint64, bool) {
	if len(selectors) < len(where) || !open && len(selectors) != len(where) {
		return nil, false
	}
	numbers := make(map[protocol.SelectorKey]int64, len(where))
	spans := make([]span, len(where))
	for i, r := range where {
		n, known := numbers[r.Key]
		if !known {
			n = int64(len(numbers))
			numbers[r.Key] = n
		}
		spans[i] = span{n, r.From, r.To}
	}
	points := make([]point, 0, len(selectors))
	for _, s := range selectors {
		if n, asked := numbers[s.Key]; asked {
			points = append(points, point{n, s.Ordinal})
		}
	}
	if !open && len(points) != len(selectors) {
		return nil, false
	}
	return assign(spans, len(numbers) == len(where), points)
}
