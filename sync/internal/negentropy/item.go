package negentropy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
)

// ID names an item.
type ID = [32]byte

// Item is what a set holds. Items are ordered by timestamp, then by ID. The timestamp
// [math.MaxUint64] is no item's: it stands for infinity.
type Item struct {
	Timestamp uint64
	ID        ID
}

// Compare tells the order of two items: negative, zero, positive.
func (i Item) Compare(other Item) int {
	if c := cmp.Compare(i.Timestamp, other.Timestamp); c != 0 {
		return c
	}
	return bytes.Compare(i.ID[:], other.ID[:])
}

// before tells whether a comes before b: Compare, for where it counts.
func before(a, b *Item) bool {
	if a.Timestamp != b.Timestamp {
		return a.Timestamp < b.Timestamp
	}
	return bytes.Compare(a.ID[:], b.ID[:]) < 0
}

// Bound is a place in the order of all possible items, just before the item with the same timestamp
// and ID. The zero Bound is before all of them.
type Bound struct {
	Timestamp uint64
	ID        ID
}

// Infinity is the bound after every item.
var Infinity = Bound{Timestamp: math.MaxUint64}

// Compare tells the order of two bounds: negative, zero, positive.
func (b Bound) Compare(other Bound) int { return Item(b).Compare(Item(other)) }

// Interval holds the timestamps from First to Last, both included; it is empty where First is above
// Last.
type Interval struct{ First, Last uint64 }

// Anytime is the interval of all timestamps.
var Anytime = Interval{Last: math.MaxUint64}

// Has reports whether a timestamp is in the interval.
func (i Interval) Has(timestamp uint64) bool { return i.First <= timestamp && timestamp <= i.Last }

// intervalOf returns the timestamps that an item with this ID may have to lie in the range from
// lower to upper.
func intervalOf(id *ID, lower, upper *Bound) Interval {
	i := Interval{First: lower.Timestamp, Last: upper.Timestamp}
	if bytes.Compare(id[:], lower.ID[:]) < 0 {
		i.First++ // infinity is no range's lower bound
	}
	if bytes.Compare(id[:], upper.ID[:]) < 0 {
		return i
	}
	if i.Last == 0 {
		return Interval{First: 1}
	}
	i.Last--
	return i
}

// between returns the shortest bound after prev and not after next, which are neighbours in a set.
// It is the timestamp alone where that tells them apart, else with as many bytes of the ID as it
// takes.
func between(prev, next Item) Bound {
	b := Bound{Timestamp: next.Timestamp}
	if next.Timestamp != prev.Timestamp {
		return b
	}
	n := 0
	for n < len(ID{})-1 && next.ID[n] == prev.ID[n] {
		n++
	}
	copy(b.ID[:], next.ID[:n+1])
	return b
}

// A Fingerprint is a digest of the items of a range: equal fingerprints, equal items.
type Fingerprint [16]byte

// Set is what a party holds, in order. Places in it are given as ranks: the rank of an item is the
// number of items before it. A Set must not change while [Initiator.Start], [Initiator.Next] or
// [Respond] runs; it may between them.
type Set interface {
	Len() int
	// Rank returns the number of items before b.
	Rank(b Bound) int
	// Fingerprint returns that of the items with ranks from (included) to to (excluded).
	Fingerprint(from, to int) Fingerprint
	// Items yields the items with ranks from (included) to to (excluded), in order.
	Items(from, to int) iter.Seq[Item]
}

// sum is a sum of IDs, read as little-endian numbers, mod 2²⁵⁶: least significant word first.
type sum [4]uint64

// sumOf is the sum of one ID.
func sumOf(id *ID) sum {
	return sum{
		binary.LittleEndian.Uint64(id[0:]),
		binary.LittleEndian.Uint64(id[8:]),
		binary.LittleEndian.Uint64(id[16:]),
		binary.LittleEndian.Uint64(id[24:]),
	}
}

func (s *sum) add(t *sum) {
	var carry uint64
	s[0], carry = bits.Add64(s[0], t[0], 0)
	s[1], carry = bits.Add64(s[1], t[1], carry)
	s[2], carry = bits.Add64(s[2], t[2], carry)
	s[3], _ = bits.Add64(s[3], t[3], carry)
}

func (s *sum) sub(t *sum) {
	var borrow uint64
	s[0], borrow = bits.Sub64(s[0], t[0], 0)
	s[1], borrow = bits.Sub64(s[1], t[1], borrow)
	s[2], borrow = bits.Sub64(s[2], t[2], borrow)
	s[3], _ = bits.Sub64(s[3], t[3], borrow)
}

// fingerprint is the digest of count items whose IDs sum up to s.
func (s *sum) fingerprint(count int) Fingerprint {
	var buf [32 + maxVarint]byte
	for i, word := range s {
		binary.LittleEndian.PutUint64(buf[8*i:], word)
	}
	digest := sha256.Sum256(appendVarint(buf[:32], uint64(count)))
	return Fingerprint(digest[:16])
}
