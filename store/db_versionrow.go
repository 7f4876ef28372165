package store

import (
	"encoding/binary"
	"math"

	"github.com/lf-store/lf/protocol"
)

// A version's row begins with the composite key, 8 bytes. Its owner's number, its time with whether
// it is a release, and the record's index follow. The order of the bytes is that of the keys, then
// of the owners, then the newest first. At one time data come before releases, and then the order
// is that of the indices.

// appendKeyed appends a row.
func appendKeyed(b []byte, k keyed) []byte {
	b = append(b, prefixBytes(k.composite)...)
	b = appendOwner(b, k.owner)
	b = appendTime(b, k.timestamp, k.released)
	return binary.BigEndian.AppendUint32(b, uint32(k.idx))
}

// readKeyed reads a row, and reports whether it is one.
func readKeyed(b []byte) (k keyed, ok bool) {
	if len(b) < 8 {
		return k, false
	}
	k.composite, b = prefix(b), b[8:]
	if k.owner, b = cutOwner(b); b == nil {
		return k, false
	}
	if k.timestamp, k.released, b = cutTime(b); len(b) != 4 {
		return k, false
	}
	k.idx = int64(binary.BigEndian.Uint32(b))
	return k, true
}

// appendOwner appends an owner's number: 7 bits in a byte, 14 in two, 21 in three, 28 in four, or
// all in nine. The first byte begins with as many bits as there are bytes more.
func appendOwner(b []byte, owner int64) []byte {
	n := uint64(owner)
	for more := range 4 {
		if n>>(7*(more+1)) == 0 {
			n |= uint64(0xf00>>more) & 0xff << (8 * more)
			for i := more; i >= 0; i-- {
				b = append(b, byte(n>>(8*i)))
			}
			return b
		}
	}
	return binary.BigEndian.AppendUint64(append(b, 0xf0), n)
}

// cutOwner cuts what appendOwner wrote off the beginning; rest is nil where there is none.
func cutOwner(b []byte) (owner int64, rest []byte) {
	if len(b) == 0 {
		return 0, nil
	}
	more := 0
	for more < 4 && b[0]&(0x80>>more) != 0 {
		more++
	}
	switch {
	case more == 4 && len(b) > 8 && b[0] == 0xf0:
		return int64(binary.BigEndian.Uint64(b[1:])), b[9:]
	case more == 4 || len(b) <= more:
		return 0, nil
	}
	n := uint64(b[0] & (0x7f >> more))
	for _, c := range b[1 : more+1] {
		n = n<<8 | uint64(c)
	}
	return int64(n), b[more+1:]
}

// Times until the year 4200 take six bytes. Their first bit is set; that of the others is not.
const (
	shortTime   = 46
	isShortTime = 1 << (shortTime + 1)
)

// appendTime appends how long a time is before the latest one, and whether a release is of it.
func appendTime(b []byte, timestamp int64, released bool) []byte {
	last, flag := uint64(0), uint64(0)
	if released {
		flag = 1
	}
	if timestamp>>shortTime == 0 {
		last = isShortTime | (1<<shortTime-1-uint64(timestamp))<<1 | flag
		return append(b, byte(last>>40), byte(last>>32), byte(last>>24), byte(last>>16), byte(last>>8), byte(last))
	}
	return binary.BigEndian.AppendUint64(b, (protocol.MaxTimestamp-uint64(timestamp))<<1|flag)
}

// cutTime cuts what appendTime wrote off the beginning; rest is nil where there is none.
func cutTime(b []byte) (timestamp int64, released bool, rest []byte) {
	switch {
	case len(b) >= 6 && b[0]&0x80 != 0:
		n := uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
		return int64(1<<shortTime - 1 - n&^isShortTime>>1), n&1 != 0, b[6:]
	case len(b) >= 8 && b[0]&0x80 == 0:
		n := binary.BigEndian.Uint64(b)
		return protocol.MaxTimestamp - int64(n>>1), n&1 != 0, b[8:]
	}
	return 0, false, nil
}

// appendBound appends where the rows of a time begin. All rows of an owner are after a time that is
// later than any, and before one that is negative.
func appendBound(b []byte, timestamp int64) []byte {
	if timestamp < 0 {
		return binary.BigEndian.AppendUint64(b, math.MaxUint64)
	}
	return appendTime(b, min(timestamp, protocol.MaxTimestamp), false)
}

// maxVersionRow is the size of the longest row.
const maxVersionRow = 8 + 9 + 8 + 4
