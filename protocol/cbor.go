package protocol

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Headers and frames are of one fixed shape, so they are read and written by hand: the subset of DAG-CBOR
// (https://ipld.io/specs/codecs/dag-cbor/spec/) that they need is unsigned integers, byte strings, arrays, null and
// links. The reader takes only the shortest form of each, so that what it reads encodes to the same bytes; the tests
// hold it to that against a general codec.

// CBOR's major types, in the place where they stand in an item's first byte.
const (
	majorUint  = 0 << 5
	majorBytes = 2 << 5
	majorArray = 4 << 5

	null = 0xf6
)

// reader takes an encoding apart. After the first error all it reads is zero, so that the error can be looked at once,
// in the end. It allocates nothing.
type reader struct {
	data []byte
	pos  int
	err  error
}

func (in *reader) fail(rule Rule, field, format string, args ...any) {
	if in.err == nil {
		in.err = invalid(rule, "%s: %s", field, fmt.Sprintf(format, args...))
	}
}

// head reads an item's first bytes: its major type, which must be this one, and its number.
func (in *reader) head(field string, major byte) uint64 {
	if in.err != nil {
		return 0
	}
	rest := in.data[in.pos:]
	if len(rest) == 0 {
		in.fail(RuleEncoding, field, "ends too early")
		return 0
	}
	info := rest[0] &^ 0xe0
	if rest[0]&0xe0 != major || info > 27 {
		in.fail(RuleEncoding, field, "another kind of item, it begins with %#02x", rest[0])
		return 0
	}
	if info < 24 {
		in.pos++
		return uint64(info)
	}
	size := 1 << (info - 24)
	if len(rest) <= size {
		in.fail(RuleEncoding, field, "ends too early")
		return 0
	}
	var wide [8]byte
	copy(wide[8-size:], rest[1:1+size])
	n := binary.BigEndian.Uint64(wide[:])
	if headSize(n) != 1+size {
		in.fail(RuleEncoding, field, "a number that is not in its shortest form")
		return 0
	}
	in.pos += 1 + size
	return n
}

func (in *reader) uint(field string) uint64 { return in.head(field, majorUint) }

// uint32 reads an integer of at most 2^32−1.
func (in *reader) uint32(field string) uint32 {
	n := in.uint(field)
	if n > 1<<32-1 {
		in.fail(RuleEncoding, field, "%d is above 2^32−1", n)
		return 0
	}
	return uint32(n)
}

// array reads the head of an array of exactly this many items.
func (in *reader) array(field string, want uint64) {
	if n := in.head(field, majorArray); in.err == nil && n != want {
		in.fail(RuleEncoding, field, "an array of %d, want %d", n, want)
	}
}

// list reads the head of an array of at most this many items, and breaks the rule when there are more.
func (in *reader) list(field string, rule Rule, most uint64) int {
	n := in.head(field, majorArray)
	if n > most {
		in.fail(rule, field, "%d, at most %d are allowed", n, most)
		return 0
	}
	return int(n) //nolint:gosec // at most most
}

// null reads a null if there is one.
func (in *reader) null() bool {
	if in.err != nil || in.pos >= len(in.data) || in.data[in.pos] != null {
		return false
	}
	in.pos++
	return true
}

// bytes reads a byte string and returns it as part of the input.
func (in *reader) bytes(field string) []byte {
	n := in.head(field, majorBytes)
	if in.err != nil {
		return nil
	}
	if n > uint64(len(in.data)-in.pos) {
		in.fail(RuleEncoding, field, "ends too early")
		return nil
	}
	in.pos += int(n) //nolint:gosec // no more than there is
	return in.data[in.pos-int(n) : in.pos : in.pos]
}

// fixed reads a byte string of exactly the length of dst.
func (in *reader) fixed(field string, dst []byte) {
	b := in.bytes(field)
	if in.err == nil && len(b) != len(dst) {
		in.fail(RuleEncoding, field, "%d bytes, want %d", len(b), len(dst))
	}
	if in.err == nil {
		copy(dst, b)
	}
}

// link reads a CID whose bytes up to the digest are these.
func (in *reader) link(field string, prefix, digest []byte) {
	if in.err != nil {
		return
	}
	rest := in.data[in.pos:]
	switch {
	case !bytes.HasPrefix(rest, prefix):
		in.fail(RuleEncoding, field, "not a CID (version 1, sha2-256) of the codec wanted here")
	case len(rest) < len(prefix)+len(digest):
		in.fail(RuleEncoding, field, "ends too early")
	default:
		in.pos += len(prefix) + copy(digest, rest[len(prefix):])
	}
}

// end returns the first error, which may be that there is more input.
func (in *reader) end() error {
	if in.err == nil && in.pos < len(in.data) {
		in.fail(RuleEncoding, "end", "%d bytes too many", len(in.data)-in.pos)
	}
	return in.err
}

// headSize returns how many bytes the shortest head with this number has.
func headSize(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n < 1<<8:
		return 2
	case n < 1<<16:
		return 3
	case n < 1<<32:
		return 5
	}
	return 9
}

func appendHead(b []byte, major byte, n uint64) []byte {
	switch headSize(n) {
	case 1:
		return append(b, major|byte(n))
	case 2:
		return append(b, major|24, byte(n))
	case 3:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n)) //nolint:gosec // below 2^16
	case 5:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n)) //nolint:gosec // below 2^32
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendUint(b []byte, n uint64) []byte   { return appendHead(b, majorUint, n) }
func appendArray(b []byte, items int) []byte { return appendHead(b, majorArray, uint64(items)) } //nolint:gosec // a length
func appendBytes(b []byte, data []byte) []byte {
	return append(appendHead(b, majorBytes, uint64(len(data))), data...)
}
func appendLink(b, prefix, digest []byte) []byte {
	return append(append(b, prefix...), digest...)
}
