package protocol

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Version is the version of the record format that this package reads and writes.
const Version = 1

// Type says what a record is for.
type Type uint64

// The types. Those from TypeReserved to TypeMax leave room to grow without a split. Such records
// are stored, attached and weighed if the rest of the record is valid, and never answered.
const (
	TypeDatum       Type = 0
	TypeGenesis     Type = 1
	TypeCommentary  Type = 2
	TypeCertificate Type = 3
	TypeRevocation  Type = 4
	TypeRelease     Type = 5

	TypeReserved Type = 6
	TypeMax      Type = 15
)

var typeNames = [...]string{"datum", "genesis", "commentary", "certificate", "revocation", "release"}

func (t Type) String() string {
	if t < Type(len(typeNames)) {
		return typeNames[t]
	}
	return fmt.Sprintf("type-%d", uint64(t))
}

// Selector is a blinded name plus an ordinal. The claim proves that the record's maker knows the
// name.
type Selector struct {
	Key     SelectorKey
	Ordinal uint64
	Claim   [64]byte
}

// compare orders selectors by key, then ordinal.
func (s Selector) compare(o Selector) int {
	return cmp.Or(bytes.Compare(s.Key[:], o.Key[:]), cmp.Compare(s.Ordinal, o.Ordinal))
}

// ValueRef says which value belongs to a record. Size is in bytes, of the sealed value.
type ValueRef struct {
	ID   ValueID
	Size uint32
}

// Work is a proof of work. Effort is the expected number of Equi-X solutions that had to be tried.
type Work struct {
	Nonce    [8]byte
	Solution [16]byte
	Effort   uint32
}

// Header is the part of a record that is linked, signed and worked for. Timestamp is in
// milliseconds since the Unix epoch. The first selector is the primary one; the others, and the
// links, are sorted.
type Header struct {
	Version   uint64
	Type      Type
	Owner     Owner
	Timestamp uint64
	Links     []ID
	Value     *ValueRef
	Selectors []Selector
	Signature [64]byte
	Work      *Work
}

// Time returns the header's timestamp as a time.
func (h *Header) Time() time.Time { return time.UnixMilli(int64(h.Timestamp)) } // at most 2^53-1

// Tombstone reports whether the record says "deleted": a datum without a value.
func (h *Header) Tombstone() bool { return h.Type == TypeDatum && h.Value == nil }

// Effort returns the effort of the record's work, 0 when it has none.
func (h *Header) Effort() uint32 {
	if h.Work == nil {
		return 0
	}
	return h.Work.Effort
}

// CompositeID returns the ID of the record's composite key.
func (h *Header) CompositeID() CompositeID {
	var few [2]SelectorPoint // most have no more
	pairs := few[:0]
	for i := range h.Selectors {
		pairs = append(pairs, SelectorPoint{h.Selectors[i].Key, h.Selectors[i].Ordinal})
	}
	return CompositeOf(pairs)
}

// SelectorPoint is one selector without its claim: a key and an ordinal.
type SelectorPoint struct {
	Key     SelectorKey
	Ordinal uint64
}

// CompositeOf returns the ID of the composite key made of these selectors, in any order. It sorts
// pairs.
func CompositeOf(pairs []SelectorPoint) CompositeID {
	slices.SortFunc(pairs, func(a, b SelectorPoint) int {
		return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	var room [128]byte
	buf := room[:0]
	buf = append(buf, domainComposite...)
	for _, p := range pairs {
		buf = append(buf, p.Key[:]...)
		buf = binary.BigEndian.AppendUint64(buf, p.Ordinal)
	}
	return sha256.Sum256(buf)
}

// Record is a header with its canonical bytes and, unless it was pruned, its value. It is
// immutable: nobody may change what its methods and fields refer to. It is safe for concurrent use.
type Record struct {
	Header
	header []byte
	value  []byte
	id     ID
	// What Value and Work of a decoded header point to.
	reference ValueRef
	work      Work
	// Where the body, the selectors and the signature end in the header's bytes.
	bodyEnd, selectorsEnd, signatureEnd int
}

// ID returns the record's ID.
func (r *Record) ID() ID { return r.id }

// HeaderBytes returns the header's canonical bytes; the caller must not change them.
func (r *Record) HeaderBytes() []byte { return r.header }

// ValueBytes returns the sealed value, nil when the record has none or it is not at hand; the
// caller must not change it.
func (r *Record) ValueBytes() []byte { return r.value }

// HasValue reports whether everything that the header refers to is at hand.
func (r *Record) HasValue() bool { return r.Value == nil || r.value != nil }

// WireSize returns the length of header and value together, in bytes.
func (r *Record) WireSize() int { return len(r.header) + len(r.value) }

// CheckCarried compares the value that came with the header, if one came, with what the header says
// of it. Two frames of one record can differ in the value alone: the header, and so the ID, decides
// all other rules.
func (r *Record) CheckCarried() error { return r.checkValue(MaxValue) }

// SignedHash identifies what the owner signed, whatever signature and work came after it. Two
// records with one signed hash are twins: the same statement, paid twice.
func (r *Record) SignedHash() [sha256.Size]byte { return r.prefixHash(arrayOf7, r.selectorsEnd) }

func (r *Record) bodyHash() [sha256.Size]byte { return r.prefixHash(arrayOf6, r.bodyEnd) }
func (r *Record) workHash() [sha256.Size]byte { return r.prefixHash(arrayOf8, r.signatureEnd) }

// prefixHash hashes the CBOR array of the header's first fields: the array's own first byte, then
// the same bytes as in the header.
func (r *Record) prefixHash(arrayHead byte, end int) [sha256.Size]byte {
	var buf [MaxHeader]byte
	n := copy(buf[:], r.header[:end])
	buf[0] = arrayHead
	return sha256.Sum256(buf[:n])
}
