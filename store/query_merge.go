package store

// proposal is a row of the table selectors as a scan reads it.
type proposal struct {
	selectorRow
	composite int64
}

// merge is the rows of a span in the order of their ordinals, then composite keys, over all sizes
// of key.
type merge struct {
	streams []stream
}

type stream struct {
	rows *rows
	head proposal
}

// merge begins at a composite key of the span's first ordinal; math.MinInt64 is the least.
func (x *search) merge(s span, least int64) (*merge, error) {
	sizes, err := x.sizes(s.key)
	if err != nil {
		return nil, err
	}
	m := &merge{}
	for _, size := range sizes {
		r, err := x.conn.query(`SELECT ordinal, composite, others FROM selectors WHERE key = ? AND size = ?
			AND (ordinal, composite) >= (?, ?) AND ordinal <= ? ORDER BY ordinal, composite, others`, s.key, size, int64(s.from), least, int64(s.to))
		if err != nil {
			m.close()
			return nil, err
		}
		st := stream{rows: r}
		st.head.key = s.key
		m.streams = append(m.streams, st)
		if err := m.advance(len(m.streams) - 1); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

// advance reads the next row of a stream. After the last row it closes and removes the stream.
func (m *merge) advance(i int) error {
	s := &m.streams[i]
	ok, err := s.rows.next()
	switch {
	case err != nil:
		return err
	case ok:
		s.head.ordinal, s.head.composite, s.head.others = uint64(s.rows.int(0)), s.rows.int(1), s.rows.blob(2)
	default:
		s.rows.close()
		m.streams = append(m.streams[:i], m.streams[i+1:]...)
	}
	return nil
}

func (m *merge) next() (proposal, bool, error) {
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
	row := m.streams[least].head
	return row, true, m.advance(least)
}

func (m *merge) close() {
	for i := range m.streams {
		m.streams[i].rows.close()
	}
	m.streams = nil
}
