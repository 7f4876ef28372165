package hostile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
)

// The protocols, as far as an attacker needs them:
//
//	fetch      request = count (1 byte) ancestors (1) width (1: 8 or 32) count × width bytes of the IDs
//	           answer  = items: status (1: 0 lacking, 1 complete) [ length (4) frame ]
//	reconcile  frame   = count (8 bytes) length (4) message; the two sides send one in turn
//	           message = 0x61, then ranges: bound (timestamp's varint, length of prefix, prefix) mode (0 skip,
//	                     1 fingerprint of 16 bytes, 2 list of IDs) payload; varints are base 128, highest digit first

const (
	streamTime = time.Minute // until the attacker ends a stream itself
	idSize     = len(protocol.ID{})

	lacking, complete = 0, 1

	versionByte                   = 0x61
	modeSkip, modePrint, modeList = 0, 1, 2
	printSize                     = 16
	maxMessage                    = 1 << 20
	// listed is how many IDs one frame holds.
	listed = 900
)

// request is a fetch request; its IDs may be prefixes.
type request struct {
	ids   [][]byte
	extra int // ancestors
}

// readRequest reads a request to its end. Its length tells whether it says how wide its IDs are;
// older nodes do not.
func readRequest(in io.Reader) (request, error) {
	raw, err := io.ReadAll(io.LimitReader(in, 1<<14))
	if err != nil {
		return request{}, err
	}
	if len(raw) < 2 {
		return request{}, io.ErrUnexpectedEOF
	}
	count, width, rest := int(raw[0]), idSize, raw[2:]
	if len(rest) != count*idSize && len(rest) > 0 {
		width, rest = int(rest[0]), rest[1:]
	}
	if len(rest) != count*width {
		return request{}, fmt.Errorf("a request of %d bytes for %d records", len(raw), count)
	}
	r := request{extra: int(raw[1])}
	for range count {
		r.ids = append(r.ids, rest[:width])
		rest = rest[width:]
	}
	return r, nil
}

func appendRequest(b []byte, ids []protocol.ID, ancestors byte) []byte {
	b = append(b, byte(len(ids)), ancestors, byte(idSize))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

func appendItem(b, frame []byte) []byte {
	b = append(b, complete)
	b = binary.BigEndian.AppendUint32(b, uint32(len(frame))) // a frame's length
	return append(b, frame...)
}

// readItem returns an item's frame, nil where it says that the record is not there.
func readItem(in *bufio.Reader) ([]byte, error) {
	status, err := in.ReadByte()
	if err != nil || status == lacking {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > protocol.MaxFrame {
		return nil, errors.New("a frame too large")
	}
	frame := make([]byte, size)
	_, err = io.ReadFull(in, frame)
	return frame, err
}

// haveNothing answers a fetch as a peer without records does.
func (a *attacker) haveNothing(s network.Stream) error {
	r, err := readRequest(s)
	if err != nil {
		return err
	}
	_, err = s.Write(make([]byte, len(r.ids)))
	return err
}

// listNothing answers one message of reconciling as a peer without records does.
func (a *attacker) listNothing(s network.Stream) error {
	return a.reconcile(s, func(_ int, end uint64) []byte { return list(end, nil) })
}

// reconcile answers each message with what say makes, until the other side ends it. End is where
// the message's first range ends: who lists beyond what was asked is dropped at once.
func (a *attacker) reconcile(s network.Stream, say func(round int, end uint64) []byte) error {
	for i := 0; ; i++ {
		message, err := readMessage(s)
		if err != nil {
			return endOf(err)
		}
		if _, err := s.Write(framed(say(i, endOfFirst(message)))); err != nil {
			return err
		}
	}
}

// endOf is nil where the other side ended a stream in good order.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func framed(message []byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, 1_000_000)
	b = binary.BigEndian.AppendUint32(b, uint32(len(message))) // at most a MiB
	return append(b, message...)
}

func readMessage(in io.Reader) ([]byte, error) {
	var head [12]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[8:])
	if size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	message := make([]byte, size)
	_, err := io.ReadFull(in, message)
	return message, err
}

func appendVarint(b []byte, n uint64) []byte {
	digits := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		digits = append(digits, byte(n&0x7f)|0x80)
	}
	for i := range digits {
		b = append(b, digits[len(digits)-1-i])
	}
	return b
}

// appendBound appends the end of a range: a step from the last bound's timestamp, or infinity
// for 0.
func appendBound(b []byte, step uint64) []byte {
	return append(appendVarint(b, step), 0)
}

// forever is the end of time. aboutNow is how far everybody compares.
const forever = 0

func aboutNow() uint64 { return uint64(time.Now().UnixMilli()) } // after 1970

// endOfFirst is where a message's first range ends, as list takes it.
func endOfFirst(message []byte) (end uint64) {
	for _, b := range message[min(1, len(message)):] {
		if end = end<<7 | uint64(b&0x7f); b < 0x80 {
			return end
		}
	}
	return forever
}

// list is a message of one list, from the beginning of time to an end.
func list(end uint64, ids []protocol.ID) []byte {
	b := append(appendBound([]byte{versionByte}, end), modeList)
	b = appendVarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// ids reads the IDs that a message lists.
func ids(message []byte) []protocol.ID {
	var found []protocol.ID
	b := message
	next := func(n int) []byte {
		if n < 0 || n > len(b) {
			b = nil
			return nil
		}
		head := b[:n]
		b = b[n:]
		return head
	}
	varint := func() (n uint64) {
		for range 9 {
			d := next(1)
			if d == nil {
				return 0
			}
			if n = n<<7 | uint64(d[0]&0x7f); d[0] < 0x80 {
				return n
			}
		}
		return 0
	}
	for next(1); len(b) > 0; {
		varint()
		next(int(varint() & 0xff))
		switch varint() {
		case modePrint:
			next(printSize)
		case modeList:
			for n := varint(); n > 0 && len(b) >= idSize; n-- {
				found = append(found, protocol.ID(next(idSize)))
			}
		}
	}
	return found
}
