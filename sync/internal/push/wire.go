package push

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The push protocol, version 1. Its name is "/lf/<network>/push/1", with the CID of the network ID
// in base32. A stream carries one push; integers are big-endian.
//
//	announcement = count (1 byte, 1 to 64) count × ID (32 bytes)    from the sender
//	answer       = ⌈count / 8⌉ bytes                                from the receiver
//	records      = wanted × ( length (4 bytes, 1 to 65,552) frame ) from the sender
//
// The sender announces records that it has, each by the 32 bytes of its ID (the digest in the
// record's CID) and once. The answer has a bit for each, the lowest of the first byte for the first
// ID. It is 1 where the receiver wants the record; the bits that are left over
// are 0. The sender then sends the wanted records and no others, in the order of their IDs, with
// their values, and closes its side. The receiver closes its own when it has dealt with all of
// them.

// Service is the protocol.
var Service = stream.Service{Name: "push", Streams: 2, Memory: announcementMemory, Time: stream.ServeTime}

const idSize = len(protocol.ID{})

// AppendAnnouncement encodes an announcement of 1 to MaxPushed records.
func AppendAnnouncement(b []byte, ids []protocol.ID) []byte {
	b = append(b, byte(len(ids))) // at most MaxPushed
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return b
}

// ReadAnnouncement reads an announcement.
func ReadAnnouncement(in io.Reader) ([]protocol.ID, error) {
	var count [1]byte
	if _, err := io.ReadFull(in, count[:]); err != nil {
		return nil, fmt.Errorf("read an announcement: %w", err)
	}
	n := int(count[0])
	if n == 0 || n > MaxPushed {
		return nil, penalty.Violates("an announcement of %d records, want 1 to %d", n, MaxPushed)
	}
	raw := make([]byte, n*idSize)
	if _, err := io.ReadFull(in, raw); err != nil {
		return nil, fmt.Errorf("read an announcement: %w", err)
	}
	ids, seen := make([]protocol.ID, n), make(map[protocol.ID]bool, n)
	for i := range ids {
		ids[i] = protocol.ID(raw[i*idSize:])
		if seen[ids[i]] {
			return nil, penalty.Violates("record %s is announced twice", ids[i])
		}
		seen[ids[i]] = true
	}
	return ids, nil
}

// AppendWanted encodes the answer to an announcement.
func AppendWanted(b []byte, wanted []bool) []byte {
	bits := make([]byte, (len(wanted)+7)/8)
	for i, w := range wanted {
		if w {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return append(b, bits...)
}

// ReadWanted reads the answer to an announcement of count records.
func ReadWanted(in io.Reader, count int) ([]bool, error) {
	bits := make([]byte, (count+7)/8)
	if _, err := io.ReadFull(in, bits); err != nil {
		return nil, fmt.Errorf("read what is wanted: %w", err)
	}
	wanted := make([]bool, 8*len(bits))
	for i := range wanted {
		wanted[i] = bits[i/8]>>(i%8)&1 == 1
		if wanted[i] && i >= count {
			return nil, penalty.Violates("of %d records it wants number %d", count, i)
		}
	}
	return wanted[:count], nil
}

// AppendPushed encodes one of the records that are sent.
func AppendPushed(b, frame []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(frame))) // at most MaxFrame
	return append(b, frame...)
}
