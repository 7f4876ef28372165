package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// prefix is the first 8 bytes of a hash or key as a signed integer; integers compare as the bytes do.
func prefix(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63)
}

// point is a selector as the index knows it.
type point struct {
	key     int64
	ordinal uint64
}

func (p point) compare(o point) int {
	return cmp.Or(cmp.Compare(p.key, o.key), cmp.Compare(p.ordinal, o.ordinal))
}

// pointsOf returns a record's selectors as points, sorted.
func pointsOf(selectors []protocol.Selector) []point {
	points := make([]point, len(selectors))
	for i := range selectors {
		points[i] = point{prefix(selectors[i].Key[:]), selectors[i].Ordinal}
	}
	slices.SortFunc(points, point.compare)
	return points
}

// appendPoints writes points: 8 bytes of key, then the ordinal as a varint.
func appendPoints(b []byte, points []point, except int) []byte {
	for i, p := range points {
		if i == except {
			continue
		}
		b = binary.BigEndian.AppendUint64(b, uint64(p.key))
		b = binary.AppendUvarint(b, p.ordinal)
	}
	return b
}

var errLayout = errors.New("database: a column does not hold what it should")

// readPoints appends to points what appendPoints wrote.
func readPoints(points []point, b []byte) ([]point, error) {
	for len(b) > 0 {
		if len(b) < 9 {
			return nil, errLayout
		}
		key := int64(binary.BigEndian.Uint64(b))
		ordinal, n := binary.Uvarint(b[8:])
		if n <= 0 {
			return nil, errLayout
		}
		points, b = append(points, point{key, ordinal}), b[8+n:]
	}
	return points, nil
}

// appendParents writes the distances from a record's index back to its links'.
func appendParents(b []byte, idx int64, parents []int64) []byte {
	for _, p := range parents {
		b = binary.AppendUvarint(b, uint64(idx-p))
	}
	return b
}

// readParents reads what appendParents wrote.
func readParents(idx int64, b []byte) ([]int64, error) {
	var parents []int64
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d == 0 || d >= uint64(idx) {
			return nil, errLayout
		}
		parents, b = append(parents, idx-int64(d)), b[n:]
	}
	return parents, nil
}

// selectorRow is a row of the table selectors.
type selectorRow struct {
	point
	others []byte
}

// entry is a record with what the indices need of it, worked out before the writer takes it.
type entry struct {
	*protocol.Record
	composite int64
	// rows are empty for a record that is never answered.
	rows []selectorRow
}

func newEntry(r *protocol.Record) *entry {
	e := &entry{Record: r}
	if !answered(r.Type) {
		return e
	}
	id := r.CompositeID()
	e.composite = prefix(id[:])
	points := pointsOf(r.Selectors)
	e.rows = make([]selectorRow, len(points))
	for i, p := range points {
		e.rows[i] = selectorRow{p, appendPoints([]byte{}, points, i)}
	}
	return e
}

// answered reports whether queries look at records of a type.
func answered(t protocol.Type) bool { return t == protocol.TypeDatum || t == protocol.TypeRelease }

func (e *entry) released() int64 {
	if e.Type == protocol.TypeRelease {
		return 1
	}
	return 0
}
