package negentropy

import (
	"fmt"
	"math"
	"math/bits"
)

// version1 is the first byte of every message of protocol version 1; versions 0 to 15 begin with
// 0x60 to 0x6F.
const version1 = 0x61

// The modes of a range: what its sender says of it.
const (
	modeSkip        = 0 // nothing
	modeFingerprint = 1 // the fingerprint of its items in the range
	modeIDList      = 2 // the IDs of its items in the range
)

// maxVarint is the longest encoding of a uint64: ⌈64 / 7⌉ bytes.
const maxVarint = 10

// MessageError says what is wrong with a peer's message: no correct peer sends such a one.
type MessageError struct {
	Offset int // bytes read before the fault was seen
	Reason string
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("negentropy message, byte %d: %s", e.Offset, e.Reason)
}

// wireRange is one range of a message. On the wire it has no lower bound: that is the upper bound
// of the one before.
type wireRange struct {
	lower, upper Bound
	mode         int
	fingerprint  Fingerprint // mode fingerprint
	ids          []byte      // mode ID list: the IDs one after the other, a part of the message
}

// reader takes a message apart. It allocates nothing.
type reader struct {
	message []byte
	offset  int
	last    Bound // the upper bound of the range before
}

func (r *reader) fault(reason string) error { return &MessageError{r.offset, reason} }

func (r *reader) bytes(n int) ([]byte, error) {
	if n > len(r.message)-r.offset {
		return nil, r.fault("ends too early")
	}
	b := r.message[r.offset : r.offset+n]
	r.offset += n
	return b, nil
}

func (r *reader) varint() (uint64, error) {
	var v uint64
	for first := true; ; first = false {
		b, err := r.bytes(1)
		if err != nil {
			return 0, err
		}
		digit := b[0] & 0x7f
		switch {
		case first && b[0] == 0x80:
			return 0, r.fault("number longer than need be")
		case v > math.MaxUint64>>7:
			return 0, r.fault("number above 2^64-1")
		}
		v = v<<7 | uint64(digit)
		if b[0] < 0x80 {
			return v, nil
		}
	}
}

// version takes the first byte.
func (r *reader) version() (byte, error) {
	b, err := r.bytes(1)
	if err != nil {
		return 0, err
	}
	if b[0]&0xf0 != 0x60 {
		return 0, r.fault("no protocol version")
	}
	return b[0], nil
}

// more tells whether another range follows.
func (r *reader) more() bool { return r.offset < len(r.message) }

// next takes the next range. One without extent, where there can be no items, counts as skipped.
// The common implementation ends a full message with such a one, the rest after infinity.
func (r *reader) next() (wireRange, error) {
	var out wireRange
	var err error
	if out.upper, err = r.bound(); err != nil {
		return out, err
	}
	if out.upper.Compare(r.last) < 0 {
		return out, r.fault("bounds out of order")
	}
	out.lower, r.last = r.last, out.upper
	mode, err := r.varint()
	if err != nil {
		return out, err
	}
	switch mode {
	case modeSkip:
	case modeFingerprint:
		b, err := r.bytes(len(out.fingerprint))
		if err != nil {
			return out, err
		}
		copy(out.fingerprint[:], b)
	case modeIDList:
		if out.ids, err = r.ids(); err != nil {
			return out, err
		}
	default:
		return out, r.fault("unknown mode")
	}
	if out.lower == out.upper {
		mode = modeSkip
	}
	out.mode = int(mode)
	return out, nil
}

func (r *reader) bound() (Bound, error) {
	var b Bound
	delta, err := r.varint()
	if err != nil {
		return b, err
	}
	if delta == 0 {
		b = Infinity
	} else {
		var carry uint64
		if b.Timestamp, carry = bits.Add64(r.last.Timestamp, delta-1, 0); carry != 0 {
			return b, r.fault("timestamp above 2^64-1")
		}
	}
	n, err := r.varint()
	if err != nil {
		return b, err
	}
	if n > uint64(len(b.ID)) {
		return b, r.fault("bound too long")
	}
	prefix, err := r.bytes(int(n))
	if err != nil {
		return b, err
	}
	copy(b.ID[:], prefix)
	if b.Compare(Infinity) > 0 {
		return b, r.fault("bound beyond infinity")
	}
	return b, nil
}

func (r *reader) ids() ([]byte, error) {
	n, err := r.varint()
	if err != nil {
		return nil, err
	}
	if n > uint64(len(r.message)-r.offset)/uint64(len(ID{})) {
		return nil, r.fault("fewer IDs than announced")
	}
	return r.bytes(int(n) * len(ID{}))
}

// maxSkip and maxFingerprint are the longest encodings of a range to skip and of one with a
// fingerprint. A bound takes a timestamp, a length and an ID.
const (
	maxSkip        = maxVarint + 1 + 32 + 1
	maxFingerprint = maxSkip + 16
)

// writer puts a message together. Ranges are written in order; gaps between them are skipped.
type writer struct {
	message []byte
	last    Bound // the upper bound of the range before
}

func newWriter() *writer { return &writer{message: []byte{version1}} }

// begin writes upper bound and mode of the range from lower to upper.
func (w *writer) begin(lower, upper Bound, mode byte) {
	if lower != w.last {
		w.bound(lower)
		w.message = append(w.message, modeSkip)
	}
	w.bound(upper)
	w.message = append(w.message, mode)
}

func (w *writer) bound(b Bound) {
	if b.Timestamp == Infinity.Timestamp {
		w.message = append(w.message, 0)
	} else {
		w.message = appendVarint(w.message, b.Timestamp-w.last.Timestamp+1)
	}
	n := len(b.ID)
	for n > 0 && b.ID[n-1] == 0 { // left out zeros are read as zeros
		n--
	}
	w.message = append(w.message, byte(n))
	w.message = append(w.message, b.ID[:n]...)
	w.last = b
}

func (w *writer) fingerprint(lower, upper Bound, f Fingerprint) {
	w.begin(lower, upper, modeFingerprint)
	w.message = append(w.message, f[:]...)
}

// list writes the IDs of the count items that the set has between the bounds, from a rank on.
func (w *writer) list(lower, upper Bound, s Set, from, count int) {
	w.begin(lower, upper, modeIDList)
	w.message = appendVarint(w.message, uint64(count))
	for item := range s.Items(from, from+count) {
		w.message = append(w.message, item.ID[:]...)
	}
}

// appendVarint appends a number in base 128, most significant digit first, all but the last with
// the high bit set.
func appendVarint(b []byte, v uint64) []byte {
	for shift := (bits.Len64(v|1) - 1) / 7 * 7; shift > 0; shift -= 7 {
		b = append(b, byte(v>>shift)|0x80)
	}
	return append(b, byte(v)&0x7f)
}
