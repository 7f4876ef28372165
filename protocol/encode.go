package protocol

import "crypto/sha256"

// The first byte of the CBOR arrays that a header and its prefixes are.
const (
	arrayOf6 = majorArray | 6 // body: version … value
	arrayOf7 = majorArray | 7 // body and selectors: what the owner signs
	arrayOf8 = majorArray | 8 // … and the signature: what the work pays for

	headerFields = 9
)

// NewRecord encodes a header and keeps the value with it. It checks nothing but that the header fits its limits and
// decodes again: [Network.Check] says whether the record is valid. The value may be nil, also when the header
// refers to one (a record whose value was dropped).
func NewRecord(h Header, value []byte) (*Record, error) {
	return DecodeRecord(encodeHeader(&h), value)
}

func encodeHeader(h *Header) []byte {
	b := make([]byte, 0, 192+41*len(h.Links)+110*len(h.Selectors))
	b = appendArray(b, headerFields)
	b = appendUint(b, h.Version)
	b = appendUint(b, uint64(h.Type))
	b = appendBytes(b, h.Owner[:])
	b = appendUint(b, h.Timestamp)
	b = appendArray(b, len(h.Links))
	for i := range h.Links {
		b = appendLink(b, linkPrefix, h.Links[i][:])
	}
	b = h.Value.append(b)
	b = appendArray(b, len(h.Selectors))
	for i := range h.Selectors {
		b = h.Selectors[i].append(b)
	}
	b = appendBytes(b, h.Signature[:])
	return h.Work.append(b)
}

func (v *ValueRef) append(b []byte) []byte {
	if v == nil {
		return append(b, null)
	}
	return appendUint(appendLink(appendArray(b, 2), valuePrefix, v.ID[:]), uint64(v.Size))
}

func (s *Selector) append(b []byte) []byte {
	return appendBytes(appendUint(appendBytes(appendArray(b, 3), s.Key[:]), s.Ordinal), s.Claim[:])
}

func (w *Work) append(b []byte) []byte {
	if w == nil {
		return append(b, null)
	}
	return appendUint(appendBytes(appendBytes(appendArray(b, 3), w.Nonce[:]), w.Solution[:]), uint64(w.Effort))
}

// DecodeRecord reads a header strictly: what it accepts encodes to the same bytes. It keeps header and value without
// copying them. Errors are of type [*InvalidError].
func DecodeRecord(header, value []byte) (*Record, error) {
	in := reader{data: header}
	count, version := in.head("record", majorArray), in.uint("version")
	switch {
	case in.err != nil:
		return nil, in.err
	case version != Version: // it may have any shape and limits behind this field
		return nil, invalid(RuleVersion, "version %d, the one known here is %d", version, Version)
	case len(header) > MaxHeader:
		return nil, invalid(RuleSize, "header of %d bytes, at most %d are allowed", len(header), MaxHeader)
	case len(value) > MaxValue:
		return nil, invalid(RuleSize, "value of %d bytes, at most %d are allowed", len(value), MaxValue)
	case count != headerFields:
		return nil, invalid(RuleEncoding, "an array of %d, want %d", count, headerFields)
	}
	r := &Record{header: header, value: value}
	r.Version = version
	r.decode(&in)
	if err := in.end(); err != nil {
		return nil, err
	}
	r.id = sha256.Sum256(header)
	return r, nil
}

// decode reads the fields behind the version.
func (r *Record) decode(in *reader) {
	r.Type = Type(in.uint("type"))
	in.fixed("owner", r.Owner[:])
	r.Timestamp = in.uint("timestamp")
	r.Links = make([]ID, in.list("links", RuleLinks, MaxLinks))
	for i := range r.Links {
		in.link("link", linkPrefix, r.Links[i][:])
	}
	if !in.null() {
		r.Header.Value = decodeValueRef(in)
	}
	r.bodyEnd = in.pos
	r.Selectors = make([]Selector, in.list("selectors", RuleSelectors, MaxSelectors))
	for i := range r.Selectors {
		r.Selectors[i].decode(in)
	}
	r.selectorsEnd = in.pos
	in.fixed("signature", r.Signature[:])
	r.signatureEnd = in.pos
	if !in.null() {
		r.Work = decodeWork(in)
	}
}

func decodeValueRef(in *reader) *ValueRef {
	var v ValueRef
	in.array("value", 2)
	in.link("value", valuePrefix, v.ID[:])
	v.Size = in.uint32("value size")
	return &v
}

func (s *Selector) decode(in *reader) {
	in.array("selector", 3)
	in.fixed("selector key", s.Key[:])
	s.Ordinal = in.uint("ordinal")
	in.fixed("claim", s.Claim[:])
}

func decodeWork(in *reader) *Work {
	var w Work
	in.array("work", 3)
	in.fixed("nonce", w.Nonce[:])
	in.fixed("solution", w.Solution[:])
	w.Effort = in.uint32("effort")
	return &w
}
