package protocol

// NewRecord encodes a header and keeps the value with it. It checks nothing but that the header
// fits its limits and decodes again: [Network.Check] says whether the record is valid. The value
// may be nil, also when the header refers to one (a record whose value was dropped).
func NewRecord(h Header, value []byte) (*Record, error) {
	return DecodeRecord(h.encode(), value)
}

// The most bytes that the items of a header have, and those of all that stand once.
const (
	linkSize     = 41 // linkPrefix and a digest
	selectorSize = 1 + 34 + 9 + 66
	fixedSize    = 1 + 9 + 9 + 34 + 9 + 9 + (1 + linkSize + 5) + 9 + 66 + (1 + 9 + 17 + 5)
)

// encode returns the header in the one form that decodes. An array that is nil is an empty one.
func (h *Header) encode() []byte {
	b := make([]byte, 0, fixedSize+len(h.Links)*linkSize+len(h.Selectors)*selectorSize)
	b = append(b, arrayOf9)
	b = appendHead(b, majorUnsigned, h.Version)
	b = appendHead(b, majorUnsigned, uint64(h.Type))
	b = append(append(b, bytes32...), h.Owner[:]...)
	b = appendHead(b, majorUnsigned, h.Timestamp)
	b = appendHead(b, majorArray, uint64(len(h.Links)))
	for i := range h.Links {
		b = append(append(b, linkPrefix...), h.Links[i][:]...)
	}
	b = h.Value.append(b)
	b = appendHead(b, majorArray, uint64(len(h.Selectors)))
	for i := range h.Selectors {
		b = h.Selectors[i].append(b)
	}
	b = append(append(b, bytes64...), h.Signature[:]...)
	return h.Work.append(b)
}

func (v *ValueRef) append(b []byte) []byte {
	if v == nil {
		return append(b, null)
	}
	b = append(append(append(b, arrayOf2), valuePrefix...), v.ID[:]...)
	return appendHead(b, majorUnsigned, uint64(v.Size))
}

func (s *Selector) append(b []byte) []byte {
	b = append(append(append(b, arrayOf3), bytes32...), s.Key[:]...)
	b = appendHead(b, majorUnsigned, s.Ordinal)
	return append(append(b, bytes64...), s.Claim[:]...)
}

func (w *Work) append(b []byte) []byte {
	if w == nil {
		return append(b, null)
	}
	b = append(append(append(b, arrayOf3), bytes8...), w.Nonce[:]...)
	b = append(append(b, bytes16...), w.Solution[:]...)
	return appendHead(b, majorUnsigned, uint64(w.Effort))
}
