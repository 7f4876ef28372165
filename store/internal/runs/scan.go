package runs

import (
	"bytes"
	"cmp"
	"slices"
)

// Range is the rows that begin with Prefix, from From on, up to To and without it. From and To are
// whole rows or beginnings of rows; nil: no bound.
type Range struct{ Prefix, From, To []byte }

// begin is the first row that may be in the range.
func (r *Range) begin() []byte {
	if bytes.Compare(r.From, r.Prefix) > 0 {
		return r.From
	}
	return r.Prefix
}

func (r *Range) isPast(row []byte) bool {
	return !bytes.HasPrefix(row, r.Prefix) || r.To != nil && bytes.Compare(row, r.To) >= 0
}

// Cursor goes through the rows of a range.
type Cursor struct {
	bounds  Range
	streams []stream // those that have a row, in no order
	last    []byte
	begun   bool
}

// stream is the rows of one run, or of what is recent.
type stream struct {
	row    []byte
	run    *runCursor // nil: what is recent
	recent *recentCursor
}

// Scan returns a cursor over the rows of a range that a transaction sees, each once. They are those
// of records up to last.
func (v *View) Scan(rows Rows, kind int, bounds Range, last uint32) (*Cursor, error) {
	c := &Cursor{bounds: bounds}
	s := &v.sets[kind]
	k := &v.index.kinds[kind]
	key, filtered := k.keyOf(bounds.Prefix), len(bounds.Prefix) >= k.Key
	begin := bounds.begin()
	if !filtered || s.recent.mayHave(key) {
		r := &recentCursor{recent: s.recent, last: last}
		c.join(stream{recent: r}, r.seek(begin))
	}
	for _, run := range slices.Backward(s.runs) {
		if run.First > last || filtered && !run.has(key) {
			continue
		}
		r := &runCursor{index: v.index, rows: rows, run: run, mend: true}
		row, err := r.seek(begin)
		if err != nil {
			return nil, err
		}
		c.join(stream{run: r}, row)
	}
	return c, nil
}

// join adds a stream whose next row is known, if that is in the range.
func (c *Cursor) join(s stream, row []byte) {
	if s.row = row; row != nil && !c.bounds.isPast(row) {
		c.streams = append(c.streams, s)
	}
}

// Next returns the next row, which is valid until the next call; more is false after the last.
func (c *Cursor) Next() (row []byte, more bool, err error) {
	if c.begun {
		for i := 0; i < len(c.streams); { // those that have the row that was returned
			if !bytes.Equal(c.streams[i].row, c.last) {
				i++
				continue
			}
			if err := c.advance(i); err != nil {
				return nil, false, err
			}
		}
	}
	if len(c.streams) == 0 {
		return nil, false, nil
	}
	least := 0
	for i := 1; i < len(c.streams); i++ {
		if bytes.Compare(c.streams[i].row, c.streams[least].row) < 0 {
			least = i
		}
	}
	c.begun, c.last = true, append(c.last[:0], c.streams[least].row...)
	return c.last, true, nil
}

// advance goes to the next row of a stream until that is another one, and drops a stream that has
// none.
func (c *Cursor) advance(i int) (err error) {
	s := &c.streams[i]
	if s.run != nil {
		s.row, err = s.run.next()
	} else {
		s.row = s.recent.next()
	}
	if err == nil && (s.row == nil || c.bounds.isPast(s.row)) {
		c.streams = slices.Delete(c.streams, i, i+1)
	}
	return err
}

// Has reports whether a transaction that sees the records up to last sees a row.
func (v *View) Has(rows Rows, kind int, row []byte, last uint32) (bool, error) {
	s, k := &v.sets[kind], &v.index.kinds[kind]
	if n := k.Tail.Number(row); k.Tail != Bytes && n > 0 && n < s.next {
		return v.hasNumbered(rows, s, row, n)
	}
	c, err := v.Scan(rows, kind, Range{Prefix: row}, last)
	if err != nil {
		return false, err
	}
	first, found, err := c.Next()
	return found && bytes.Equal(first, row), err
}

// hasNumbered reports whether a set has a row whose record is in one of its runs.
func (v *View) hasNumbered(rows Rows, s *set, row []byte, number uint32) (bool, error) {
	at, _ := slices.BinarySearchFunc(s.runs, number, func(r *loadedRun, n uint32) int { return cmp.Compare(r.Last, n) })
	run := s.runs[at]
	if !run.has(v.index.kinds[run.Kind].keyOf(row)) {
		return false, nil
	}
	c := runCursor{index: v.index, rows: rows, run: run, mend: true}
	have, err := c.seek(row)
	return bytes.Equal(have, row), err
}

// recentCursor goes through the recent rows, some at a time.
type recentCursor struct {
	*recent
	last uint32
	rows [][]byte
	at   int
}

// recentAtOnce is how many rows a cursor takes at a time: few first, which may be enough.
const (
	recentAtFirst = 4
	recentAtOnce  = 64
)

func (c *recentCursor) seek(row []byte) []byte {
	c.rows = c.from(c.rows[:0], row, false, c.last, recentAtFirst)
	return c.here()
}

func (c *recentCursor) here() []byte {
	if c.at == len(c.rows) {
		return nil
	}
	return c.rows[c.at]
}

func (c *recentCursor) next() []byte {
	if c.at++; c.at == len(c.rows) {
		last := c.rows[c.at-1]
		c.rows, c.at = c.from(c.rows[:0], last, true, c.last, recentAtOnce), 0
	}
	return c.here()
}
