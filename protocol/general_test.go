package protocol_test

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/lf-store/lf/protocol"
)

// generalHeader is a header in plain types, read without any of the package's own: lengths, links
// and their codecs are checked by hand here. What the package decodes must agree with it.
type generalHeader struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Type      uint64
	Owner     []byte
	Timestamp uint64
	Links     []cbor.RawTag
	Value     *generalValue
	Selectors []generalSelector
	Signature []byte
	Work      *generalWork
}

type generalValue struct {
	_    struct{} `cbor:",toarray"`
	ID   cbor.RawTag
	Size uint32
}

type generalSelector struct {
	_       struct{} `cbor:",toarray"`
	Key     []byte
	Ordinal uint64
	Claim   []byte
}

type generalWork struct {
	_               struct{} `cbor:",toarray"`
	Nonce, Solution []byte
	Effort          uint32
}

// generalDecoder has the limits that belong to the format.
var generalDecoder = func() cbor.DecMode {
	mode, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 4, MaxArrayElements: 64}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// decodeGeneral reads a header and names the rule of those about its form that it breaks: "" where
// it breaks none.
func decodeGeneral(header, value []byte) (h generalHeader, broken protocol.Rule) {
	if rule := generalVersion(header); rule != "" {
		return h, rule
	}
	switch {
	case len(header) > protocol.MaxHeader || len(value) > protocol.MaxValue:
		return h, protocol.RuleSize
	case generalDecoder.Unmarshal(header, &h) != nil || !h.wellFormed(header):
		return h, protocol.RuleEncoding
	case len(h.Links) > protocol.MaxLinks:
		return h, protocol.RuleLinks
	case len(h.Selectors) > protocol.MaxSelectors:
		return h, protocol.RuleSelectors
	}
	return h, ""
}

// generalVersion reads the version alone, as the rest of another version's header may be anything.
func generalVersion(header []byte) protocol.Rule {
	if len(header) == 0 || header[0] < 0x81 || header[0] > 0x97 {
		return protocol.RuleEncoding
	}
	var version uint64
	rest, err := generalDecoder.UnmarshalFirst(header[1:], &version)
	if err != nil {
		return protocol.RuleEncoding
	}
	again, err := general.Marshal(version)
	switch {
	case err != nil || !bytes.Equal(again, header[1:len(header)-len(rest)]):
		return protocol.RuleEncoding
	case version != protocol.Version:
		return protocol.RuleVersion
	}
	return ""
}

// wellFormed reports whether the fields have their kinds and lengths, and are written again as they
// were.
func (h *generalHeader) wellFormed(header []byte) bool {
	again, err := general.Marshal(h)
	ok := err == nil && bytes.Equal(again, header) && h.Links != nil && h.Selectors != nil && len(h.Owner) == 32 && len(h.Signature) == 64
	for _, l := range h.Links {
		ok = ok && linkDigest(l, 0x71) != nil
	}
	for _, s := range h.Selectors {
		ok = ok && len(s.Key) == 32 && len(s.Claim) == 64
	}
	return ok && (h.Value == nil || linkDigest(h.Value.ID, 0x55) != nil) &&
		(h.Work == nil || len(h.Work.Nonce) == 8 && len(h.Work.Solution) == 16)
}

// decodeGeneralFrame reads a frame as decodeGeneral does the header in it.
func decodeGeneralFrame(data []byte) (h generalHeader, broken protocol.Rule) {
	var f struct {
		_             struct{} `cbor:",toarray"`
		Header, Value []byte
	}
	if len(data) > protocol.MaxFrame {
		return h, protocol.RuleSize
	}
	if generalDecoder.Unmarshal(data, &f) != nil {
		return h, protocol.RuleEncoding
	}
	if again, err := general.Marshal(f); err != nil || !bytes.Equal(again, data) {
		return h, protocol.RuleEncoding
	}
	return decodeGeneral(f.Header, f.Value)
}

// linkDigest returns the digest of a link, nil if it is none of this codec.
func linkDigest(tag cbor.RawTag, codec byte) []byte {
	var raw []byte
	if tag.Number != 42 || cbor.Unmarshal(tag.Content, &raw) != nil || !bytes.HasPrefix(raw, []byte{0, 1, codec, 0x12, 0x20}) || len(raw) != 37 {
		return nil
	}
	if again, err := general.Marshal(raw); err != nil || !bytes.Equal(again, tag.Content) {
		return nil
	}
	return raw[5:]
}

func (h *generalHeader) compare(t *testing.T, r *protocol.Record) {
	t.Helper()
	same := h.Type == uint64(r.Type) && bytes.Equal(h.Owner, r.Owner[:]) && h.Timestamp == r.Timestamp &&
		len(h.Links) == len(r.Links) && len(h.Selectors) == len(r.Selectors) && bytes.Equal(h.Signature, r.Signature[:]) &&
		(h.Value == nil) == (r.Value == nil) && (h.Work == nil) == (r.Work == nil)
	for i := range r.Links {
		same = same && bytes.Equal(linkDigest(h.Links[i], 0x71), r.Links[i][:])
	}
	for i, s := range r.Selectors {
		g := h.Selectors[i]
		same = same && bytes.Equal(g.Key, s.Key[:]) && g.Ordinal == s.Ordinal && bytes.Equal(g.Claim, s.Claim[:])
	}
	if r.Value != nil {
		same = same && bytes.Equal(linkDigest(h.Value.ID, 0x55), r.Value.ID[:]) && h.Value.Size == r.Value.Size
	}
	if r.Work != nil {
		same = same && bytes.Equal(h.Work.Nonce, r.Work.Nonce[:]) && bytes.Equal(h.Work.Solution, r.Work.Solution[:]) && h.Work.Effort == r.Work.Effort
	}
	if !same {
		t.Fatalf("a general codec reads\n%+v, not\n%+v", *h, r.Header)
	}
}
