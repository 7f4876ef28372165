package runs

import "encoding/binary"

// Kind says what the rows of an index are.
type Kind struct {
	// Name is for messages, such as "the index of IDs".
	Name string
	// Key is how many bytes at the beginning of a row the filters are of, at most 8.
	Key int
	// Tail says how a row ends.
	Tail Tail
}

// Tail says what the last bytes of a kind's rows are.
type Tail int

// The ends of rows. A number takes less room in a run than other bytes do.
const (
	Bytes      Tail = iota // nothing in particular
	Ascending              // the record's number, see [AppendNumber]
	Descending             // the record's number, so that later records come first
)

// tailSize is how many bytes a number at the end of a row has.
const tailSize = 4

// AppendNumber appends a record's number to a row of a kind with a tail.
func (t Tail) AppendNumber(row []byte, number uint32) []byte {
	if t == Descending {
		number = ^number
	}
	return binary.BigEndian.AppendUint32(row, number)
}

// Number returns the record's number at the end of a row.
func (t Tail) Number(row []byte) uint32 {
	if len(row) < tailSize {
		return 0
	}
	n := binary.BigEndian.Uint32(row[len(row)-tailSize:])
	if t == Descending {
		n = ^n
	}
	return n
}

// split parts a row from its tail.
func (t Tail) split(row []byte) (body []byte, number uint32) {
	if t == Bytes {
		return row, 0
	}
	return row[:len(row)-tailSize], t.Number(row)
}

// keyOf is the key that a row begins with.
func (k *Kind) keyOf(row []byte) (key uint64) {
	return orderOf(row) &^ (1<<(8*(8-k.Key)) - 1)
}

// orderOf is how a row begins, in eight bytes: rows of which it is less come first.
func orderOf(row []byte) (order uint64) {
	if len(row) >= 8 {
		return binary.BigEndian.Uint64(row)
	}
	for _, b := range row {
		order = order<<8 | uint64(b)
	}
	return order << (8 * (8 - len(row)))
}
