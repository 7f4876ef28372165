package reconcile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The reconcile protocol, version 1. Its name is "/lf/<network>/reconcile/1", with the CID of the
// network ID in base32. It finds out in which records two nodes differ, at a cost that grows with
// the difference. The messages are those of Negentropy, protocol version 1. An item is an attached
// record, genesis records included. It is the record's timestamp in milliseconds and the 32 bytes
// of its ID (the digest in the record's CID).
//
// A stream is one session. Both sides send envelopes in turn, the initiator the first one; integers
// are big-endian.
//
//	envelope = count (8 bytes) length (4 bytes, 0 to 32,768) message
//
// Count is how many attached records the sender has, those above its bound included. It tells how
// far a copy is, and how many records lie above the bound. It MUST be below 2^53. The initiator's
// messages are not empty. The responder answers each with one envelope. With one whose length is 0
// it says that it cannot compare now, and closes the stream. The initiator may then try again,
// later each time.
//
// The initiator ends the session by closing its side when all is compared, or earlier. It MUST NOT
// send more than 512 envelopes in a session; it begins another one, and may leave out of it what is
// compared already. Either side MAY keep its messages shorter than the limit; on a relayed
// connection both SHOULD keep them below 16,384 bytes. A side may end a session when it has waited
// 10 seconds for the next envelope.
//
// Each side compares only what its own clock lets in: its bound is the time now + drift + 1 ms. The
// initiator's messages end at its bound. The responder answers a range that ends at most one drift
// above its own bound as usual. Of a range that ends higher it says nothing if the fingerprint is
// equal, or if the range begins at or above its bound. Otherwise it answers, to lists also, with
// the fingerprint of its own items from the range's beginning to its bound. Whoever lists an ID
// MUST have the record in that range.
//
// Nothing is transferred by this protocol: records that the other side listed are asked for by
// fetch. Attached records are never dropped, so whoever lists an ID MUST be able to answer a fetch
// request for it.

const envelopeHead = 8 + 4

// Service is the protocol.
var Service = stream.Service{Name: "reconcile", Streams: 2, Memory: servingMemory, Time: sessionTime}

// Envelope is what either side of a session sends.
type Envelope struct {
	Count   uint64
	Message []byte // empty: the responder cannot compare now
}

// MaxCount bounds the records that a peer may claim to have.
const MaxCount = 1 << 53

// AppendEnvelope encodes an envelope.
func AppendEnvelope(b []byte, f Envelope) []byte {
	b = binary.BigEndian.AppendUint64(b, f.Count)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Message))) // at most MaxMessage
	return append(b, f.Message...)
}

// ReadEnvelope reads an envelope. It returns io.EOF where the session ends before it.
func ReadEnvelope(in io.Reader) (Envelope, error) {
	var head [envelopeHead]byte
	if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
		return Envelope{}, io.EOF
	} else if err != nil {
		return Envelope{}, fmt.Errorf("read an envelope: %w", err)
	}
	f := Envelope{Count: binary.BigEndian.Uint64(head[:])}
	length := binary.BigEndian.Uint32(head[8:])
	switch {
	case f.Count >= MaxCount:
		return Envelope{}, penalty.Violates("a set of %d records, which nobody has", f.Count)
	case length > MaxMessage:
		return Envelope{}, penalty.Violates("a message of %d bytes, at most %d are allowed", length, MaxMessage)
	}
	// grows with what comes, not with what was announced
	message, err := io.ReadAll(io.LimitReader(in, int64(length)))
	if err == nil && len(message) < int(length) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Envelope{}, fmt.Errorf("read a message: %w", err)
	}
	f.Message = message
	return f, nil
}
