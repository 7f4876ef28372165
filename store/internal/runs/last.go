package runs

import (
	"bytes"
	"slices"
)

// end is the first row after the range; nil: there is none.
func (r *Range) end() []byte {
	end := bytes.Clone(r.Prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return r.To
	}
	if end[len(end)-1]++; r.To != nil && bytes.Compare(r.To, end) < 0 {
		return r.To
	}
	return end
}

// Last returns the last row of a range that a transaction sees, of records up to last; nil: there
// is none.
func (v *View) Last(rows Rows, kind int, bounds Range, last uint32) (row []byte, err error) {
	s := &v.sets[kind]
	k := &v.index.kinds[kind]
	key, filtered := k.keyOf(bounds.Prefix), len(bounds.Prefix) >= k.Key
	begin, end := bounds.begin(), bounds.end()
	if !filtered || s.recent.mayHave(key) {
		row = s.recent.before(begin, end, last)
	}
	for _, run := range slices.Backward(s.runs) {
		if run.First > last || filtered && !run.has(key) {
			continue
		}
		c := &runCursor{index: v.index, rows: rows, run: run, mend: true}
		have, err := c.before(begin, end)
		if err != nil {
			return nil, err
		}
		if have != nil && (row == nil || bytes.Compare(have, row) > 0) {
			row = have
		}
	}
	return row, nil
}

// before returns the last row from begin on that is before end; nil: there is none.
func (r *recent) before(begin, end []byte, last uint32) (row []byte) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	look := func(have recentRow) bool {
		if bytes.Compare(have.row, begin) < 0 {
			return false
		}
		if have.number <= last && (end == nil || bytes.Compare(have.row, end) < 0) {
			row = have.row
		}
		return row == nil
	}
	if end == nil {
		r.tree.Reverse(look)
	} else {
		r.tree.Descend(newRecentRow(end, 0), look)
	}
	return row
}

// before returns the last row from begin on that is before end; nil: there is none. It reads the
// chunk that end is in, and most often no other one.
func (c *runCursor) before(begin, end []byte) (last []byte, err error) {
	n := c.run.Chunks - 1
	if end != nil && n >= 0 {
		n = c.run.fences.find(end)
	}
	for ; n >= 0 && last == nil; n-- {
		if c.n = n; bytes.Compare(c.run.fences.at(n), begin) <= 0 {
			n = 0 // none is before this chunk
		}
		if err := c.read(); err != nil {
			return nil, err
		}
		for {
			row, err := c.nextHere()
			if err != nil {
				return nil, err
			}
			if row == nil || end != nil && bytes.Compare(row, end) >= 0 {
				break
			}
			if bytes.Compare(row, begin) >= 0 {
				last = append(last[:0], row...)
			}
		}
	}
	return last, nil
}
