package store

import (
	"cmp"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// scan finds the composite keys that meet where. That is the query's own or, in a step of it, a
// part: some of its spans narrowed to one ordinal. Keys are answered in the order of their
// ordinals, and the scan ends when there are enough.
//
// Rows of one span come in the order of its ordinals. So walking the only span that is not a single
// ordinal gives the answers' order at once. Where some span has few rows, walking that one and
// sorting is cheaper. Where two spans or more are long, each ordinal of the first is a scan of its
// own. In that scan the span is a single ordinal. Bit i of long says that span i is known to have
// many rows.
func (x *search) scan(where []span, long uint32) error {
	where = x.unread(where)
	if len(where) == 1 {
		return x.walk(where, 0)
	}
	driver, few, err := x.shortest(where, long)
	if err != nil || few {
		if err == nil {
			err = x.walk(where, driver)
		}
		return err
	}
	switch wide := wideOf(where); len(wide) {
	case 0:
		return x.walk(where, 0)
	case 1:
		return x.walk(where, wide[0])
	default:
		return x.split(where, wide[0])
	}
}

// unread leaves out of the first span that is no single ordinal what earlier pages have answered.
func (x *search) unread(where []span) []span {
	if x.query.After == nil {
		return where
	}
	for i, at := range x.query.After.Ordinals {
		if where[i].exact() && where[i].from == at {
			continue
		}
		if where[i].from < at && at <= where[i].to {
			where = slices.Clone(where)
			where[i].from = at
		}
		break
	}
	return where
}

// isResumed reports whether the scan begins at the ordinals at which the page before ended.
func (x *search) isResumed(where []span) bool {
	if x.query.After == nil {
		return false
	}
	for i, at := range x.query.After.Ordinals {
		if where[i].from != at {
			return false
		}
	}
	return true
}

// wideOf returns which spans are more than a single ordinal.
func wideOf(where []span) (wide []int) {
	for i, s := range where {
		if !s.exact() {
			wide = append(wide, i)
		}
	}
	return wide
}

// split scans once for each ordinal that occurs in one span.
func (x *search) split(where []span, i int) error {
	from, to := where[i].from, where[i].to
	others := uint32(1)<<len(where) - 1 - 1<<i
	for !x.isFull() {
		ordinal, found, err := x.firstOrdinal(span{where[i].key, from, to})
		if err != nil || !found {
			return err
		}
		part := slices.Clone(where)
		part[i].from, part[i].to = ordinal, ordinal
		if err := x.scan(part, others); err != nil {
			return err
		}
		if ordinal == to {
			return nil
		}
		from = ordinal + 1
	}
	return nil
}

func (x *search) firstOrdinal(s span) (first uint64, found bool, err error) {
	sizes, err := x.sizes(s.key)
	if err != nil {
		return 0, false, err
	}
	for _, size := range sizes {
		err := x.eachRow(kindSelectors, spanRange(s, size), func(row []byte) error {
			p, err := readSelectorRow(row)
			if err == nil && (!found || p.ordinal < first) {
				first = p.ordinal
			}
			found = true
			return cmp.Or(err, errStop)
		})
		if ignoreStop(err) != nil {
			return 0, false, err
		}
	}
	return first, found, x.spend(len(sizes))
}

// sizes returns the sizes of the composite keys to look at for a selector key.
func (x *search) sizes(key int64) (sizes []int64, err error) {
	size := int64(len(x.where))
	if !x.query.Open {
		return []int64{size}, nil
	}
	for size <= protocol.MaxSelectors {
		bounds, found := runs.Range{Prefix: prefixBytes(key), From: sizeRow(key, size)}, false
		if err := x.eachRow(kindSelectors, bounds, func(row []byte) error {
			size, found = int64(keySizeOf(row)), true
			return errStop
		}); ignoreStop(err) != nil || !found {
			return sizes, ignoreStop(err)
		}
		sizes = append(sizes, size)
		size++
	}
	return sizes, nil
}

// shortest returns the span with the fewest rows, among those that are not known to be long. It
// also returns whether they are few enough to be sorted. Rows are counted up to a limit that grows,
// so that finding a rare span beside a common one costs what the rare one has.
func (x *search) shortest(where []span, long uint32) (best int, few bool, err error) {
	for limit := max(1, x.selective/8); limit <= x.selective && !few; limit *= 8 {
		if best, few, err = x.shorter(where, long, limit); err != nil {
			return 0, false, err
		}
	}
	return best, few, nil
}

// shorter returns the span with the fewest rows, and whether they are fewer than limit.
func (x *search) shorter(where []span, long uint32, limit int) (best int, few bool, err error) {
	fewest := limit
	for i, s := range where {
		if long&(1<<i) != 0 {
			continue
		}
		n, err := x.count(s, limit)
		if err != nil {
			return 0, false, err
		}
		if n < fewest {
			best, fewest, few = i, n, true
		}
	}
	return best, few, nil
}

func (x *search) count(s span, limit int) (int, error) {
	sizes, err := x.sizes(s.key)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, size := range sizes {
		if err := x.eachRow(kindSelectors, spanRange(s, size), func([]byte) error {
			if count++; count >= limit {
				return errStop
			}
			return nil
		}); ignoreStop(err) != nil {
			return 0, err
		}
		if count >= limit {
			break
		}
	}
	return count, x.spend(count)
}

// walk goes through the rows of one span and answers for those that meet the others too. Where the
// rows come in the answers' order it answers at once, otherwise sorted at the end. The longer it
// walks, the more it counts of the other spans, and goes over to one that has turned out shorter,
// from the beginning.
func (x *search) walk(where []span, driver int) error {
	wide := wideOf(where)
	ordered := len(wide) == 0 || len(wide) == 1 && wide[0] == driver
	least := int64(math.MinInt64)
	if ordered && x.isResumed(where) {
		least = prefix(x.query.After.Prefix[:])
	}
	m, err := x.merge(where[driver], x.query.Where[driver].Key, least)
	if err != nil {
		return err
	}
	var found []keyMatch
	before := len(x.answers.Keys)
	for walked, review := 1, x.selective; !x.isFull(); walked++ {
		row, ok, err := m.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if ordered && walked == review {
			better, shorter, err := x.shorter(where, 1<<driver, walked)
			if err != nil {
				return err
			}
			if shorter {
				x.answers.Keys = x.answers.Keys[:before]
				return x.walk(where, better)
			}
			review *= 4
		}
		k, fits, err := x.propose(where, driver, row)
		switch {
		case err != nil:
			return err
		case !fits:
		case !ordered:
			found = append(found, k)
		default:
			if err := x.answer(k); err != nil {
				return err
			}
		}
	}
	return x.answerSorted(found)
}

func (x *search) answerSorted(found []keyMatch) error {
	slices.SortFunc(found, func(a, b keyMatch) int {
		return cmp.Or(slices.Compare(a.ordinals, b.ordinals), cmp.Compare(a.composite, b.composite))
	})
	for i := 0; i < len(found) && !x.isFull(); i++ {
		if err := x.answer(found[i]); err != nil {
			return err
		}
	}
	return nil
}

// propose makes a match of a row, if it fits. A key that has several rows in one span is
// proposed by one of them: that whose ordinal the assignment chose.
func (x *search) propose(where []span, driver int, row proposal) (k keyMatch, fits bool, err error) {
	if err := x.spend(1); err != nil {
		return k, false, err
	}
	k = keyMatch{composite: row.composite}
	if k.points, err = readPoints([]point{row.point}, row.others); err != nil {
		return k, false, err
	}
	k.ordinals, fits = assign(x.where, x.distinctKeys, k.points)
	if !fits || k.ordinals[driver] != row.ordinal {
		return k, false, nil
	}
	for i, s := range where {
		if !s.contains(k.ordinals[i]) {
			return k, false, nil
		}
	}
	k.sort()
	return k, !x.isPast(k), nil
}
