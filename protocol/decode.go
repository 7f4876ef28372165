package protocol

import (
	"crypto/sha256"
	"math"
)

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
	}
	r := &Record{header: header, value: value}
	if err := r.decode(); err != nil {
		return nil, invalid(RuleEncoding, "%v", err)
	}
	switch {
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
	if len(header) < 2 || header[0] <= majorArray || header[0] >= majorArray|inOneByte {
		return invalid(RuleEncoding, "not a CBOR array of fields")
	}
	version, _, ok := cutHead(header[1:], majorUnsigned)
	if !ok {
		return invalid(RuleEncoding, "version: not an integer in its shortest form")
	}
	if version != Version {
		return invalid(RuleVersion, "version %d, the one known here is %d", version, Version)
	}
	return nil
}

// decode reads the header's bytes into its fields.
func (r *Record) decode() error {
	d := items{rest: r.header}
	end := func() int { return len(r.header) - len(d.rest) }
	d.head(arrayOf9, "record")
	r.Version = d.unsigned("version", Version)
	r.Type = Type(d.unsigned("type", math.MaxUint64))
	d.into(r.Owner[:], bytes32, "owner", "a byte string of 32")
	r.Timestamp = d.unsigned("timestamp", math.MaxUint64)
	r.decodeLinks(&d)
	r.decodeValue(&d)
	r.bodyEnd = end()
	r.decodeSelectors(&d)
	r.selectorsEnd = end()
	d.into(r.Signature[:], bytes64, "signature", "a byte string of 64")
	r.signatureEnd = end()
	r.decodeWork(&d)
	if d.err == nil && len(d.rest) > 0 {
		d.refuse("record", "at its end after nine fields")
	}
	return d.err
}

func (r *Record) decodeLinks(d *items) {
	r.Links = make([]ID, d.array("links", linkSize))
	for i := range r.Links {
		d.into(r.Links[i][:], linkPrefix, "links", "the CID of a record")
	}
}

func (r *Record) decodeValue(d *items) {
	if d.null() {
		return
	}
	d.head(arrayOf2, "value")
	d.into(r.reference.ID[:], valuePrefix, "value", "the CID of a raw block")
	r.reference.Size = uint32(d.unsigned("value", math.MaxUint32))
	r.Value = &r.reference
}

func (r *Record) decodeSelectors(d *items) {
	const least = 1 + 34 + 1 + 66
	r.Selectors = make([]Selector, d.array("selectors", least))
	for i := range r.Selectors {
		s := &r.Selectors[i]
		d.head(arrayOf3, "selector")
		d.into(s.Key[:], bytes32, "selector", "a key of 32 bytes")
		s.Ordinal = d.unsigned("selector", math.MaxUint64)
		d.into(s.Claim[:], bytes64, "selector", "a claim of 64 bytes")
	}
}

func (r *Record) decodeWork(d *items) {
	if d.null() {
		return
	}
	d.head(arrayOf3, "work")
	d.into(r.work.Nonce[:], bytes8, "work", "a nonce of 8 bytes")
	d.into(r.work.Solution[:], bytes16, "work", "a solution of 16 bytes")
	r.work.Effort = uint32(d.unsigned("work", math.MaxUint32))
	r.Work = &r.work
}
