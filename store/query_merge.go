package store

import (
	"encoding/binary"

	"github.com/lf-store/lf/store/internal/runs"
)

// proposal is a row of the index of selectors as a scan reads it.
type proposal struct {
	selectorRow
	composite int64
}

// merge is the rows of a span in the order of their ordinals, then composite keys, over all sizes
// of key.
type merge struct {
	streams []stream
	last    int // the stream whose head was returned; -1: none was
}

type stream struct {
	cursor *runs.Cursor
	head   proposal
}

// merge begins at a composite key of the span's first ordinal; math.MinInt64 is the least.
func (x *search) merge(s span, least int64) (*merge, error) {
	sizes, err := x.sizes(s.key)
	if err != nil {
		return nil, err
	}
	m := &merge{last: -1}
	for _, size := range sizes {
		bounds := spanRange(s, size)
		bounds.From = append(bounds.From, prefixBytes(least)...)
		cursor, err := x.conn.scan(kindSelectors, bounds)
		if err != nil {
			return nil, err
		}
		m.streams = append(m.streams, stream{cursor: cursor})
		if err := m.advance(len(m.streams) - 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// advance reads the next row of a stream. After the last row it removes the stream.
func (m *merge) advance(i int) error {
	s := &m.streams[i]
	row, more, err := s.cursor.Next()
	if err != nil || more {
		if err == nil {
			s.head, err = readSelectorRow(row)
		}
		return err
	}
	m.streams = append(m.streams[:i], m.streams[i+1:]...)
	return nil
}

// next returns the next row, which is valid until the next call.
func (m *merge) next() (proposal, bool, error) {
	if m.last >= 0 {
		if err := m.advance(m.last); err != nil {
			return proposal{}, false, err
		}
		m.last = -1
	}
	if len(m.streams) == 0 {
		return proposal{}, false, nil
	}
	least := 0
	for i := range m.streams {
		a, b := &m.streams[i].head, &m.streams[least].head
		if a.ordinal < b.ordinal || a.ordinal == b.ordinal && a.composite < b.composite {
			least = i
		}
	}
	m.last = least
	return m.streams[least].head, true, nil
}

// The row of a selector begins with its key and the number of selectors that the composite key has.
// Then come the ordinal, the composite key, and the other selectors.

// appendOrdinal appends an ordinal so that greater ones come later: how many bytes it has, and
// these.
func appendOrdinal(row []byte, ordinal uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], ordinal)
	from := 0
	for from < len(b) && b[from] == 0 {
		from++
	}
	return append(append(row, byte(len(b)-from)), b[from:]...)
}

// sizeRow begins the rows of a selector's key, in composite keys of size selectors.
func sizeRow(key, size int64) []byte {
	row := make([]byte, 0, prefixSize+1+9+prefixSize)
	return append(append(row, prefixBytes(key)...), byte(size))
}

func appendSelectorRow(row []byte, r selectorRow, size int, composite int64) []byte {
	row = append(append(row, prefixBytes(r.key)...), byte(size))
	row = append(appendOrdinal(row, r.ordinal), prefixBytes(composite)...)
	return append(row, r.others...)
}

// readSelectorRow reads what appendSelectorRow wrote. The other selectors stay in the row.
func readSelectorRow(row []byte) (p proposal, err error) {
	if len(row) < prefixSize+2 || row[prefixSize+1] > 8 {
		return p, errLayout
	}
	p.key = prefix(row)
	ordinal := row[prefixSize+2:]
	size := int(row[prefixSize+1])
	if len(ordinal) < size+prefixSize {
		return p, errLayout
	}
	for _, b := range ordinal[:size] {
		p.ordinal = p.ordinal<<8 | uint64(b)
	}
	p.composite, p.others = prefix(ordinal[size:]), ordinal[size+prefixSize:]
	return p, nil
}

// keySizeOf is how many selectors the composite key of a row has.
func keySizeOf(row []byte) int { return int(row[prefixSize]) }

// spanRange is the rows of a span, in composite keys of size selectors.
func spanRange(s span, size int64) runs.Range {
	bounds := runs.Range{Prefix: sizeRow(s.key, size)}
	bounds.From = appendOrdinal(sizeRow(s.key, size), s.from)
	if next := s.to + 1; next != 0 {
		bounds.To = appendOrdinal(sizeRow(s.key, size), next)
	}
	return bounds
}
