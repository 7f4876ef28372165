package protocol

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// NewRecord encodes a header and keeps the value with it. It checks nothing but that the header
// fits its limits and decodes again: [Network.Check] says whether the record is valid. The value
// may be nil, also when the header refers to one (a record whose value was dropped).
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

// DecodeRecord reads a header strictly: what it accepts encodes to the same bytes. It keeps header
// and value without copying them. Errors are of type [*InvalidError].
func DecodeRecord(header, value []byte) (*Record, error) {
	// another version may have any shape and limits after this field
	if err := checkVersion(header); err != nil {
		return nil, err
	}
	switch {
	case len(header) > MaxHeader:
		return nil, invalid(RuleSize, "header of %d bytes, at most %d are allowed", len(header), MaxHeader)
	case len(value) > MaxValue:
		return nil, invalid(RuleSize, "value of %d bytes, at most %d are allowed", len(value), MaxValue)
	case header[0] != arrayOf9:
		return nil, invalid(RuleEncoding, "not an array of 9 fields")
	}
	r := &Record{header: header, value: value}
	if err := r.decodeFields(); err != nil {
		return nil, err
	}
	again, err := encodeHeader(&r.Header)
	switch {
	case err != nil || !bytes.Equal(again, header):
		return nil, invalid(RuleEncoding, "not the canonical encoding of what it holds")
	case len(r.Links) > MaxLinks:
		return nil, invalid(RuleLinks, "%d links, at most %d are allowed", len(r.Links), MaxLinks)
	case len(r.Selectors) > MaxSelectors:
		return nil, invalid(RuleSelectors, "%d selectors, at most %d are allowed", len(r.Selectors), MaxSelectors)
	}
	r.id = sha256.Sum256(header)
	return r, nil
}

// checkVersion reads no further than the first field of an array of 1 to 23, as every version has
// it.
func checkVersion(header []byte) error {
	if len(header) < 2 || header[0] <= majorArray || header[0] >= majorArray+24 {
		return invalid(RuleEncoding, "not a CBOR array of fields")
	}
	var version uint64
	rest, err := decoder.UnmarshalFirst(header[1:], &version)
	if err != nil {
		return invalid(RuleEncoding, "version: %v", err)
	}
	again, err := encoder.Marshal(version)
	if err != nil || len(again) != len(header)-1-len(rest) || header[1] != again[0] {
		return invalid(RuleEncoding, "version: not an integer in its shortest form")
	}
	if version != Version {
		return invalid(RuleVersion, "version %d, the one known here is %d", version, Version)
	}
	return nil
}

func (r *Record) decodeFields() error {
	fields := []struct {
		name string
		into any
		end  *int
	}{
		{name: "version", into: &r.Version},
		{name: "type", into: &r.Type},
		{name: "owner", into: &r.Owner},
		{name: "timestamp", into: &r.Timestamp},
		{name: "links", into: &r.Links},
		{name: "value", into: &r.Header.Value, end: &r.bodyEnd},
		{name: "selectors", into: &r.Selectors, end: &r.selectorsEnd},
		{name: "signature", into: &r.Signature, end: &r.signatureEnd},
		{name: "work", into: &r.Work},
	}
	rest := r.header[1:]
	var err error
	for _, f := range fields {
		if rest, err = decoder.UnmarshalFirst(rest, f.into); err != nil {
			return invalid(RuleEncoding, "%s: %v", f.name, err)
		}
		if f.end != nil {
			*f.end = len(r.header) - len(rest)
		}
	}
	if len(rest) > 0 {
		return invalid(RuleEncoding, "%d bytes after the record", len(rest))
	}
	return nil
}
