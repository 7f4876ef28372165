package pulse

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The pulse protocol, version 1. Its name is "/lf/<network>/pulse/1", with the CID of the network
// ID in base32. Integers are big-endian.
//
//	push     = 0 (1 byte), 1 to 64 × item                                  from the initiator
//	question = 1 (1 byte), until (8 bytes), first (1 byte),
//	           0 or 256 × fingerprint (8 bytes)                            from the initiator
//	answer   = 0 to 4,096 × item                                           from the responder
//	item     = length (1 byte, 1 to 117) pulse
//
// Each side closes its own after what it sends; to a push there is no answer.

// Service is the protocol.
var Service = stream.Service{Name: "pulse", Streams: 2, Memory: streamMemory, Time: stream.ServeTime}

// The kinds of a request.
const (
	kindPush     = 0
	kindQuestion = 1
)

// question asks for pulses that differ from those that the asker has.
type question struct {
	until        uint64
	first        int
	fingerprints []uint64 // one for each bucket, or nil
}

// wantsAll reports whether the asker has nothing to compare with.
func (q *question) wantsAll() bool { return q.fingerprints == nil }

// appendPush encodes a push of 1 to MaxPush pulses.
func appendPush(b []byte, pulses []protocol.Pulse) []byte {
	b = append(b, kindPush)
	for i := range pulses {
		b = appendItem(b, &pulses[i])
	}
	return b
}

func appendItem(b []byte, p *protocol.Pulse) []byte {
	raw := p.Encode()
	return append(append(b, byte(len(raw))), raw...) // at most MaxPulse
}

func appendQuestion(b []byte, q question) []byte {
	b = binary.BigEndian.AppendUint64(append(b, kindQuestion), q.until)
	b = append(b, byte(q.first)) // below 256
	for _, f := range q.fingerprints {
		b = binary.BigEndian.AppendUint64(b, f)
	}
	return b
}

// readQuestion reads a question after its kind, up to its end.
func readQuestion(in io.Reader) (q question, err error) {
	var raw [9 + 8*buckets + 1]byte
	n, err := io.ReadFull(in, raw[:])
	switch {
	case err == nil, errors.Is(err, io.ErrUnexpectedEOF) && n != 9 && n != len(raw)-1, errors.Is(err, io.EOF):
		return q, penalty.Violates("a question of another length")
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return q, fmt.Errorf("read a question: %w", err)
	}
	q.until, q.first = binary.BigEndian.Uint64(raw[:]), int(raw[8])
	if q.until > protocol.MaxPulseSecond {
		q.until = protocol.MaxPulseSecond
	}
	for at := 9; at < n; at += 8 {
		q.fingerprints = append(q.fingerprints, binary.BigEndian.Uint64(raw[at:]))
	}
	return q, nil
}

// readItem reads a pulse. At the end of the stream the error is io.EOF.
func readItem(in *bufio.Reader) (p protocol.Pulse, err error) {
	length, err := in.ReadByte()
	if errors.Is(err, io.EOF) {
		return p, io.EOF
	}
	if err != nil {
		return p, fmt.Errorf("read a pulse: %w", err)
	}
	var raw [protocol.MaxPulse]byte
	if int(length) > len(raw) || length == 0 {
		return p, penalty.Violates("a pulse of %d bytes", length)
	}
	if _, err := io.ReadFull(in, raw[:length]); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return p, penalty.Violates("a pulse that breaks off")
	} else if err != nil {
		return p, fmt.Errorf("read a pulse: %w", err)
	}
	if p, err = protocol.DecodePulse(raw[:length]); err != nil {
		return p, penalty.Violates("%v", err)
	}
	return p, nil
}
