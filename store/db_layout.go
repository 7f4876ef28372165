package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// prefix is the first 8 bytes of a hash or key as a signed integer; integers compare as the bytes
// do.
func prefix(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63)
}

// prefixBytes is what prefix was made from.
func prefixBytes(p int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(p)^1<<63) }

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

// workOf is what a record counts in weights.
func workOf(r *protocol.Record) uint64 {
	if r.Type == protocol.TypeGenesis {
		return 1
	}
	return max(1, uint64(r.Effort()))
}

// appendNode writes a record's place in the graph. First come its work, the number of its parents,
// the distance back to each, and which of them is the main parent, counted after the parents. Then
// comes its mergeset, ascending: the distance back to the first, then twice the step from each to
// the next. Where a step comes three times and more it is one more than twice the step, and then
// how often it comes.
//
// Rows of schema 13 and older count the main parent from 0. Their steps are not doubled.
func appendNode(b []byte, idx int64, r dag.Record) []byte {
	b = binary.AppendUvarint(b, r.Work)
	b = binary.AppendUvarint(b, uint64(len(r.Parents)))
	for _, p := range r.Parents {
		b = binary.AppendUvarint(b, uint64(idx-int64(p)))
	}
	if len(r.Parents) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(r.Parents)+slices.Index(r.Parents, r.Main)))
	set := r.Mergeset
	if len(set) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(idx-int64(set[0])))
	for i := 1; i < len(set); {
		step, times := set[i]-set[i-1], 1
		for i+times < len(set) && set[i+times]-set[i+times-1] == step {
			times++
		}
		if times < 3 {
			b, i = binary.AppendUvarint(b, 2*uint64(step)), i+1
			continue
		}
		b = binary.AppendUvarint(b, 2*uint64(step)+1)
		b, i = binary.AppendUvarint(b, uint64(times)), i+times
	}
	return b
}

// sameNode reports whether a column of any schema says what appendNode wrote.
func sameNode(idx int64, have, want []byte) bool {
	var node dag.Record
	return bytes.Equal(have, want) || readNode(&node, idx, have) == nil && bytes.Equal(appendNode(nil, idx, node), want)
}

// readNode reads what appendNode wrote, into the slices that r has.
func readNode(r *dag.Record, idx int64, b []byte) error {
	v := varints{rest: b}
	r.Parents, r.Main, r.Mergeset = r.Parents[:0], 0, r.Mergeset[:0]
	r.Work = v.next()
	count := v.next()
	if v.bad || count > protocol.MaxLinks {
		return errLayout
	}
	for range count {
		r.Parents = append(r.Parents, v.back(idx))
	}
	if count == 0 {
		return v.end()
	}
	main := v.next()
	if main >= 2*count {
		return errLayout
	}
	r.Main = r.Parents[main%count]
	if len(v.rest) > 0 {
		r.Mergeset = append(r.Mergeset, v.back(idx))
	}
	for len(v.rest) > 0 && !v.bad {
		step, times := v.next(), uint64(1)
		if main >= count {
			if step&1 == 1 {
				times = v.next()
			}
			step /= 2
		}
		if times > uint64(dag.MaxMergeset-len(r.Mergeset)) {
			return errLayout
		}
		for range times {
			r.Mergeset = append(r.Mergeset, v.on(r.Mergeset[len(r.Mergeset)-1], step, idx))
		}
	}
	return v.end()
}

// varints reads a column of varints, one after the other.
type varints struct {
	rest []byte
	bad  bool // something was not a varint, or led nowhere
}

func (v *varints) next() uint64 {
	if len(v.rest) > 0 && v.rest[0] < 0x80 { // nearly all are
		n := uint64(v.rest[0])
		v.rest = v.rest[1:]
		return n
	}
	n, size := binary.Uvarint(v.rest)
	if size <= 0 {
		v.bad, v.rest = true, nil
		return 0
	}
	v.rest = v.rest[size:]
	return n
}

// end returns an error unless all was read and right.
func (v *varints) end() error {
	if v.bad || len(v.rest) > 0 {
		return errLayout
	}
	return nil
}

// back reads a distance back from an index.
func (v *varints) back(idx int64) dag.Index {
	d := v.next()
	if d == 0 || d >= uint64(idx) {
		v.bad = true
		return 0
	}
	return dag.Index(idx - int64(d))
}

// on returns the index at a distance d after another one. It is before idx.
func (v *varints) on(from dag.Index, d uint64, idx int64) dag.Index {
	if d == 0 || int64(from) >= idx || d >= uint64(idx-int64(from)) {
		v.bad = true
		return 0
	}
	return from + dag.Index(d)
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
	// seen is when the record was first stored here, see tx.see; 0 until it is.
	seen int64
	// rows are empty for a record that is never answered.
	rows []selectorRow
	// alone says that it was the first version under its composite key when it attached.
	alone bool
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

// version is the entry as a version, given its owner's number and its index.
func (e *entry) version(owner, idx int64) keyed {
	return keyed{e.composite, owner, version{int64(e.Timestamp), idx, e.Type == protocol.TypeRelease}}
}
