package protocol

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// The first byte of the CBOR arrays that a header and its prefixes are.
const (
	arrayOf6 = 0x86 // body: version … value
	arrayOf7 = 0x87 // body and selectors: what the owner signs
	arrayOf8 = 0x88 // … and the signature: what the work pays for
	arrayOf9 = 0x89 // the whole header
)

// The codec is DAG-CBOR (https://ipld.io/specs/codecs/dag-cbor/spec/): definite lengths, shortest integers, map
// keys sorted by length first, no tag but 42. Decoding is lenient only where encoding again shows the difference.
var (
	encoder = mustEncoder(cbor.EncOptions{Sort: cbor.SortLengthFirst, IndefLength: cbor.IndefLengthForbidden})
	decoder = mustDecoder(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   4,
		MaxArrayElements:  64,
		MaxMapPairs:       64,
	})
)

func mustEncoder(o cbor.EncOptions) cbor.EncMode {
	m, err := o.EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

func mustDecoder(o cbor.DecOptions) cbor.DecMode {
	m, err := o.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

// NewRecord encodes a header and keeps the value with it. It checks nothing but that the header fits its limit and
// decodes again: [Network.Check] says whether the record is valid. The value may be nil, also when the header
// refers to one (a record whose value was dropped).
func NewRecord(h Header, value []byte) (*Record, error) {
	raw, err := encodeHeader(&h)
	if err != nil {
		return nil, err
	}
	return DecodeRecord(raw, value)
}

func encodeHeader(h *Header) ([]byte, error) {
	w := *h
	// The codec writes nil as null; the format has empty lists.
	if w.Links == nil {
		w.Links = []ID{}
	}
	if w.Selectors == nil {
		w.Selectors = []Selector{}
	}
	raw, err := encoder.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return raw, nil
}

// DecodeRecord reads a header strictly: what it accepts encodes to the same bytes. It keeps header and value without
// copying them. Errors are of type [*InvalidError].
func DecodeRecord(header, value []byte) (*Record, error) {
	if len(header) > MaxHeader {
		return nil, invalid(RuleSize, "header has %d bytes, at most %d are allowed", len(header), MaxHeader)
	}
	if len(value) > MaxValue {
		return nil, invalid(RuleSize, "value has %d bytes, at most %d are allowed", len(value), MaxValue)
	}
	if err := checkVersion(header); err != nil {
		return nil, err
	}
	r := &Record{header: header, value: value}
	if err := r.decodeFields(); err != nil {
		return nil, err
	}
	again, err := encodeHeader(&r.Header)
	if err != nil || !bytes.Equal(again, header) {
		return nil, invalid(RuleEncoding, "not the canonical encoding of what it holds")
	}
	r.id = sha256.Sum256(header)
	return r, nil
}

// checkVersion looks at the first field alone, since another version may have any other shape behind it.
func checkVersion(header []byte) error {
	if len(header) < 2 || header[0]&0xe0 != 0x80 {
		return invalid(RuleEncoding, "not a CBOR array")
	}
	if header[1] == Version {
		return nil
	}
	if header[1]&0xe0 != 0 {
		return invalid(RuleEncoding, "does not begin with a version")
	}
	return invalid(RuleVersion, "the record's version is not %d, the one known here", Version)
}

func (r *Record) decodeFields() error {
	if r.header[0] != arrayOf9 {
		return invalid(RuleEncoding, "not an array of 9 fields")
	}
	rest := r.header[1:]
	var err error
	fields := []struct {
		into any
		end  *int
	}{
		{into: &r.Version}, {into: &r.Type}, {into: &r.Owner}, {into: &r.Timestamp}, {into: &r.Links},
		{into: &r.Header.Value, end: &r.bodyEnd}, {into: &r.Selectors, end: &r.selectorsEnd},
		{into: &r.Signature, end: &r.signatureEnd}, {into: &r.Work},
	}
	for i, f := range fields {
		if rest, err = decoder.UnmarshalFirst(rest, f.into); err != nil {
			return invalid(RuleEncoding, "field %d: %v", i, err)
		}
		if f.end != nil {
			*f.end = len(r.header) - len(rest)
		}
	}
	if len(rest) > 0 {
		return invalid(RuleEncoding, "%d bytes behind the record", len(rest))
	}
	return nil
}
