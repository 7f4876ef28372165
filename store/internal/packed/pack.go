package packed

import (
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
)

// References say what a record's row may refer to. What they promise must be so: it is not looked
// at again.
type References struct {
	// Links are the distances back to the records that it links, in the header's order. Newest is
	// the greatest of their timestamps.
	Links  []uint64
	Newest uint64
	// Owner and Keys are the numbers of words; 0: to be written out.
	Owner uint64
	Keys  []uint64
}

// Pack appends the row of a record to b. A record that does not fit into a row, such as one whose
// value is not at hand, is its header as it travels.
func Pack(b []byte, r *protocol.Record, refs *References) []byte {
	if !fits(r, refs) {
		return append(b, r.HeaderBytes()...)
	}
	b = append(b, flagsOf(r))
	b = binary.AppendUvarint(b, uint64(len(r.Links)<<4|len(r.Selectors)))
	if r.Type != protocol.TypeDatum {
		b = binary.AppendUvarint(b, uint64(r.Type))
	}
	b = binary.AppendUvarint(b, r.Timestamp-refs.Newest)
	for _, back := range refs.Links {
		b = binary.AppendUvarint(b, back)
	}
	b = appendWord(b, refs.Owner, r.Owner[:])
	for i := range r.Selectors {
		s := &r.Selectors[i]
		b = appendWord(b, refs.Keys[i], s.Key[:])
		b = binary.AppendUvarint(b, s.Ordinal)
		b = append(b, s.Claim[:]...)
	}
	b = append(b, r.Signature[:]...)
	if w := r.Work; w != nil {
		b = append(append(b, w.Nonce[:]...), w.Solution[:]...)
		b = binary.AppendUvarint(b, uint64(w.Effort))
	}
	return b
}

// fits reports whether all that a row leaves out can be found again.
func fits(r *protocol.Record, refs *References) bool {
	value := r.ValueBytes()
	return r.Version == protocol.Version && r.Timestamp >= refs.Newest && len(refs.Links) == len(r.Links) && len(refs.Keys) == len(r.Selectors) &&
		(r.Value != nil) == (value != nil) && (value == nil || r.Value.Size == uint32(len(value)))
}

func flagsOf(r *protocol.Record) (flags byte) {
	if r.Value != nil {
		flags |= hasValue
	}
	if r.Work != nil {
		flags |= hasWork
	}
	if r.Type != protocol.TypeDatum {
		flags |= hasType
	}
	return flags
}

func appendWord(b []byte, number uint64, word []byte) []byte {
	b = binary.AppendUvarint(b, number)
	if number == 0 {
		b = append(b, word...)
	}
	return b
}
