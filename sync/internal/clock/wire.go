package clock

import (
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The clock protocol, version 1. Its name is "/lf/<network>/clock/1", with the CID of the network
// ID in base32. Whoever opens a stream closes its side at once, and is answered with
//
//	clock = milliseconds since the Unix epoch (8 bytes, big-endian, below 2^53)
//
// by the responder, which then closes its own side.

// Service is the protocol.
var Service = stream.Service{Name: "clock", Streams: 1, Memory: memory, Time: stream.ServeTime}

// Size is an answer's length.
const Size = 8

func appendClock(b []byte, ms uint64) []byte { return binary.BigEndian.AppendUint64(b, ms) }

// Parse reads an answer of Size bytes.
func Parse(b []byte) (uint64, error) {
	ms := binary.BigEndian.Uint64(b)
	if ms > protocol.MaxTimestamp {
		return 0, penalty.Violates("a clock that shows %d", ms)
	}
	return ms, nil
}
