package protocol

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/fxamacker/cbor/v2"
)

// The codec is DAG-CBOR (https://ipld.io/specs/codecs/dag-cbor/spec/): definite lengths, shortest
// integers, map keys sorted by length first, no tag but 42. What travels by the million is written
// and read by the functions of this file. The parameters of a network go through a library, which
// knows maps and texts.
var (
	encoder = must(cbor.EncOptions{Sort: cbor.SortLengthFirst, IndefLength: cbor.IndefLengthForbidden}.EncMode())
	// decoder is lenient only where encoding again shows the difference. Its callers encode again.
	// It walks the whole input before it allocates.
	decoder = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   4,
		MaxArrayElements:  maxArray,
		MaxMapPairs:       64,
	}.DecMode())
)

func must[M any](mode M, err error) M {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

// The first byte of an item is its major type and, in five bits, a number or how many bytes the
// number has that follow.
const (
	majorUnsigned = 0 << 5
	majorBytes    = 2 << 5
	majorArray    = 4 << 5
	majorBits     = 7 << 5
	null          = 0xf6
	inOneByte     = 24 // what is less stands in the first byte

	// maxArray is how many items an array may have before it counts as not well-formed.
	maxArray = 64
)

// The first bytes of the arrays that a header and its prefixes are, and of what is in them.
const (
	arrayOf2 = majorArray | 2
	arrayOf3 = majorArray | 3
	arrayOf6 = majorArray | 6 // body: version … value
	arrayOf7 = majorArray | 7 // body and selectors: what the owner signs
	arrayOf8 = majorArray | 8 // … and the signature: what the work pays for
	arrayOf9 = majorArray | 9 // the whole header
)

// The beginnings of byte strings.
var (
	bytes8  = []byte{majorBytes | 8}
	bytes16 = []byte{majorBytes | 16}
	bytes32 = []byte{majorBytes | inOneByte, 32}
	bytes64 = []byte{majorBytes | inOneByte, 64}
)

// appendHead writes the beginning of an item in its shortest form.
func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < inOneByte:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|inOneByte, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|(inOneByte+1)), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|(inOneByte+2)), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|(inOneByte+3)), n)
}

// cutHead reads what appendHead writes, and returns the bytes after it.
func cutHead(b []byte, major byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&majorBits != major {
		return 0, nil, false
	}
	first, b := b[0]&^majorBits, b[1:]
	switch {
	case first < inOneByte:
		return uint64(first), b, true
	case first == inOneByte && len(b) >= 1:
		return uint64(b[0]), b[1:], b[0] >= inOneByte
	case first == inOneByte+1 && len(b) >= 2:
		n = uint64(binary.BigEndian.Uint16(b))
		return n, b[2:], n > math.MaxUint8
	case first == inOneByte+2 && len(b) >= 4:
		n = uint64(binary.BigEndian.Uint32(b))
		return n, b[4:], n > math.MaxUint16
	case first == inOneByte+3 && len(b) >= 8:
		n = binary.BigEndian.Uint64(b)
		return n, b[8:], n > math.MaxUint32
	}
	return 0, nil, false
}

// cutBytes reads a byte string, and returns the bytes after it.
func cutBytes(b []byte) (s, rest []byte, ok bool) {
	n, rest, ok := cutHead(b, majorBytes)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n:n], rest[n:], true
}

// items takes one item after the other off the front of a header. After the first that is not what
// was asked for all others are zero. So one look at err at the end is enough.
type items struct {
	rest []byte
	err  error
}

func (d *items) refuse(field, wanted string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: not %s", field, wanted)
	}
	d.rest = nil
}

// unsigned takes an integer of at most limit.
func (d *items) unsigned(field string, limit uint64) uint64 {
	n, rest, ok := cutHead(d.rest, majorUnsigned)
	if !ok || n > limit {
		d.refuse(field, "an unsigned integer in its shortest form, or too large")
		return 0
	}
	d.rest = rest
	return n
}

// into takes an item that consists of a fixed head and as many bytes as dst has.
func (d *items) into(dst, head []byte, field, wanted string) {
	rest, ok := bytes.CutPrefix(d.rest, head)
	if !ok || len(rest) < len(dst) {
		d.refuse(field, wanted)
		return
	}
	d.rest = rest[copy(dst, rest):]
}

// array takes the head of an array and returns how many items follow it. Each has at least size
// bytes, which must be there: a count costs the sender what it costs the reader.
func (d *items) array(field string, size int) int {
	n, rest, ok := cutHead(d.rest, majorArray)
	if !ok || n > maxArray || n*uint64(size) > uint64(len(rest)) {
		d.refuse(field, "an array that is here as a whole, or too long")
		return 0
	}
	d.rest = rest
	return int(n)
}

// head takes one byte: the head of an array of a fixed length.
func (d *items) head(first byte, field string) {
	if len(d.rest) == 0 || d.rest[0] != first {
		d.refuse(field, fmt.Sprintf("an array of %d", first&^majorBits))
		return
	}
	d.rest = d.rest[1:]
}

// null takes a null if that comes next.
func (d *items) null() bool {
	if len(d.rest) == 0 || d.rest[0] != null {
		return false
	}
	d.rest = d.rest[1:]
	return true
}
