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

// decodeGeneral reads a header of version 1 and reports whether its form is right.
func decodeGeneral(header []byte) (h generalHeader, ok bool) {
	if cbor.Unmarshal(header, &h) != nil || h.Version != protocol.Version {
		return h, false
	}
	if h.Links == nil || h.Selectors == nil || len(h.Owner) != 32 || len(h.Signature) != 64 {
		return h, false
	}
	again, err := general.Marshal(h)
	if err != nil || !bytes.Equal(again, header) {
		return h, false
	}
	for _, l := range h.Links {
		ok = linkDigest(l, 0x71) != nil
		if !ok {
			return h, false
		}
	}
	for _, s := range h.Selectors {
		if len(s.Key) != 32 || len(s.Claim) != 64 {
			return h, false
		}
	}
	return h, (h.Value == nil || linkDigest(h.Value.ID, 0x55) != nil) &&
		(h.Work == nil || len(h.Work.Nonce) == 8 && len(h.Work.Solution) == 16)
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
