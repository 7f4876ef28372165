package store

import (
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// proposal is a row of the index of selectors as a scan reads it.
type proposal struct {
	selectorRow
	composite int64
	// alone says that the composite key has no other selector. It follows from this one.
	alone bool
}

// merge is the rows of a span in the order of their ordinals, then composite keys, over all sizes
// of key.
type merge struct {
	key     protocol.SelectorKey
	streams []stream
	last    int // the stream whose head was returned; -1: none was
}

type stream struct {
	cursor *runs.Cursor
	// ordinals are what is left of a span's; nil: the cursor has the rows.
	ordinals []uint64
	head     proposal
}

// merge begins at a composite key of the span's first ordinal; math.MinInt64 is the least. The span
// is of a selector's key.
func (x *search) merge(s span, key protocol.SelectorKey, least int64) (*merge, error) {
	sizes, err := x.sizes(s.key)
	if err != nil {
		return nil, err
	}
	m := &merge{key: key, last: -1}
	for _, size := range sizes {
		if size == 1 && s.isShort() && x.indexCache != nil {
			list, err := x.ordinalsOf(s)
			if err != nil {
				return nil, err
			}
			m.streams = append(m.streams, stream{ordinals: list})
			if err := m.advance(len(m.streams) - 1); err != nil {
				return nil, err
			}
			continue
		}
		bounds := spanRange(s, size)
		if size > 1 {
			bounds.From = append(bounds.From, prefixBytes(least)...)
		}
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
	if s.cursor == nil && len(s.ordinals) > 0 {
		s.head = proposal{selectorRow: selectorRow{point: point{prefix(m.key[:]), s.ordinals[0]}}, alone: true}
		s.head.composite = m.compositeAt(s.ordinals[0])
		s.ordinals = s.ordinals[1:]
		return nil
	}
	if s.cursor == nil {
		m.streams = append(m.streams[:i], m.streams[i+1:]...)
		return nil
	}
	row, more, err := s.cursor.Next()
	if err != nil || more {
		if err == nil {
			s.head, err = readSelectorRow(row)
		}
		if err == nil && s.head.alone {
			s.head.composite = m.compositeAt(s.head.ordinal)
		}
		return err
	}
	m.streams = append(m.streams[:i], m.streams[i+1:]...)
	return nil
}

// compositeAt is the composite key of the span's selector alone.
func (m *merge) compositeAt(ordinal uint64) int64 {
	id := protocol.CompositeOf([]protocol.SelectorPoint{{Key: m.key, Ordinal: ordinal}})
	return prefix(id[:])
}

// isShort reports whether the ordinals of a span are remembered.
func (s span) isShort() bool { return s.to-s.from < shortSpan }

// ordinalsOf returns the ordinals in a span under which there are composite keys of one selector.
func (x *search) ordinalsOf(s span) (list []uint64, err error) {
	if _, err := x.runsView(); err != nil { // which tells what the transaction sees
		return nil, err
	}
	sees := snapshot{int64(x.seen), x.repairs}
	if list, found := x.indexCache.ordinals(s, sees); found {
		return list, nil
	}
	if err := x.eachRow(kindSelectors, spanRange(s, 1), func(row []byte) error {
		p, err := readSelectorRow(row)
		list = append(list, p.ordinal)
		return err
	}); err != nil {
		return nil, err
	}
	x.indexCache.addOrdinals(s, sees, list)
	return list, nil
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
// Then come the ordinal and, where there are others, the composite key and the other selectors. A
// composite key of one selector follows from that: who asks for it knows it whole. Two selectors
// whose keys have the same prefix and ordinal have one row then. It proposes a composite key under
// which there may be no version.

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
	row = appendOrdinal(row, r.ordinal)
	if size == 1 {
		return row
	}
	return append(append(row, prefixBytes(composite)...), r.others...)
}

// readSelectorRow reads what appendSelectorRow wrote. The other selectors stay in the row.
func readSelectorRow(row []byte) (p proposal, err error) {
	if len(row) < prefixSize+2 || row[prefixSize+1] > 8 {
		return p, errLayout
	}
	p.key = prefix(row)
	ordinal := row[prefixSize+2:]
	size := int(row[prefixSize+1])
	p.alone = row[prefixSize] == 1
	if len(ordinal) < size || p.alone && len(ordinal) > size || !p.alone && len(ordinal) < size+prefixSize {
		return p, errLayout
	}
	for _, b := range ordinal[:size] {
		p.ordinal = p.ordinal<<8 | uint64(b)
	}
	if p.alone {
		return p, nil
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
