package lfsync

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lf-store/lf/protocol"
)

// The fetch protocol, version 1. Its name is "/lf/<network>/fetch/1", with the CID of the network ID in base32. A
// stream carries one request and one answer; integers are big-endian.
//
//	request  = count (1 byte, 0 to 64) ancestors (1 byte) count × ID (32 bytes: the digest in the record's CID)
//	answer   = count × item, then up to ancestors × item         when count > 0
//	         = count (2 bytes, at most 256) count × ID           when count = 0
//	item     = status (1 byte) [ length (4 bytes, 1 to 65,552) frame ]
//
// The requester closes its side after the request. With count = 0 it asks for the responder's tips, newest first;
// ancestors MUST then be 0.
//
// Status 0 says that the responder does not have the record; nothing follows. Status 1 says that the frame is
// complete. Status 2 says that the responder has dropped the value, and the frame holds null in its place. Any other
// status is a fault, and so is a frame that its status belies.
//
// The first items answer the IDs of the request, in their order. Each item after them MUST be a record that an earlier item
// of the same answer links to, MUST NOT have status 0, and is sent only if the request asked for ancestors; the responder
// chooses which, nearest first, and leaves out the network's genesis records. A responder MAY end its answer between any two
// items, and need not send any ancestor; the requester asks again for what it did not get. It MUST NOT send anything
// else. A requester that gets what is not allowed here resets the stream and believes nothing more of the answer.

// status says what an item of an answer is.
type status byte

const (
	statusUnknown  status = 0 // the responder does not have the record
	statusComplete status = 1
	statusPruned   status = 2 // the frame lacks the value
)

const (
	requestHead = 2
	idSize      = len(protocol.ID{})
	itemHead    = 1 + 4
)

// fetchRequest is the protocol's request.
type fetchRequest struct {
	ids       []protocol.ID // empty: the tips
	ancestors int
}

// appendRequest encodes a request, which is within the limits.
func appendRequest(b []byte, r fetchRequest) []byte {
	b = append(b, byte(len(r.ids)), byte(r.ancestors)) //nolint:gosec // at most maxAsked and maxAncestors
	for _, id := range r.ids {
		b = append(b, id[:]...)
	}
	return b
}

func readRequest(in io.Reader) (fetchRequest, error) {
	var head [requestHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return fetchRequest{}, fmt.Errorf("read request: %w", err)
	}
	r := fetchRequest{ancestors: int(head[1])}
	count := int(head[0])
	switch {
	case count > maxAsked:
		return r, guilty("a request for %d records, at most %d are allowed", count, maxAsked)
	case count == 0 && r.ancestors > 0:
		return r, guilty("a request for the ancestors of nothing")
	}
	var err error
	r.ids, err = readIDs(in, count)
	return r, err
}

// readIDs reads so many IDs; the caller has bounded count.
func readIDs(in io.Reader, count int) ([]protocol.ID, error) {
	raw := make([]byte, count*idSize)
	if _, err := io.ReadFull(in, raw); err != nil {
		return nil, fmt.Errorf("read record IDs: %w", err)
	}
	ids := make([]protocol.ID, count)
	for i := range ids {
		copy(ids[i][:], raw[i*idSize:])
	}
	return ids, nil
}

// appendTips encodes the answer to a request for tips, of which there are at most maxTips.
func appendTips(b []byte, tips []protocol.ID) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(tips))) //nolint:gosec // at most maxTips
	for _, id := range tips {
		b = append(b, id[:]...)
	}
	return b
}

func readTips(in io.Reader) ([]protocol.ID, error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, fmt.Errorf("read tips: %w", err)
	}
	count := int(binary.BigEndian.Uint16(head[:]))
	if count > maxTips {
		return nil, guilty("%d tips, at most %d are allowed", count, maxTips)
	}
	return readIDs(in, count)
}

// item is one record of an answer; record is nil where the responder does not have it, or has it in a version that is
// not known here.
type item struct {
	record  *protocol.Record
	pruned  bool
	unknown bool // of an unknown version: it may link to anything
}

// writeItem writes an item; r is nil for a record that is not here. It returns the bytes written.
func writeItem(out io.Writer, r *protocol.Record) (int, error) {
	if r == nil {
		return out.Write([]byte{byte(statusUnknown)})
	}
	frame, st := r.EncodeFrame(), statusComplete
	if !r.HasValue() {
		st = statusPruned
	}
	var head [itemHead]byte
	head[0] = byte(st)
	binary.BigEndian.PutUint32(head[1:], uint32(len(frame))) //nolint:gosec // at most MaxFrame
	if _, err := out.Write(head[:]); err != nil {
		return 0, err
	}
	n, err := out.Write(frame)
	return itemHead + n, err
}

// readItem reads an item. It returns io.EOF where the answer ends before it.
func readItem(in *bufio.Reader) (item, error) {
	first, err := in.ReadByte()
	if err != nil {
		return item{}, err
	}
	switch st := status(first); st {
	case statusUnknown:
		return item{}, nil
	case statusComplete, statusPruned:
		return readFrame(in, st == statusPruned)
	default:
		return item{}, guilty("an item with status %d", first)
	}
}

func readFrame(in io.Reader, pruned bool) (item, error) {
	var head [itemHead - 1]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return item{}, cut(err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length == 0 || length > protocol.MaxFrame {
		return item{}, guilty("a frame of %d bytes, want 1 to %d", length, protocol.MaxFrame)
	}
	frame, err := io.ReadAll(io.LimitReader(in, int64(length))) // grows with what comes, not with what was announced
	if err == nil && len(frame) < int(length) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return item{}, cut(err)
	}
	r, err := protocol.DecodeFrame(frame)
	switch {
	case protocol.IsUnknownVersion(err):
		return item{unknown: true}, nil // of no use to this software, as if the peer did not have it
	case err != nil:
		return item{}, guilty("%v", err)
	case r.HasValue() == pruned:
		return item{}, guilty("record %s: its status belies its frame", r.ID())
	}
	return item{record: r, pruned: pruned}, nil
}

// cut says that an answer broke off inside an item.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read a record: %w", err)
}

// guiltyError is a fault of the peer at the other end: no correct peer does this.
type guiltyError struct{ reason string }

func (e *guiltyError) Error() string { return "the peer broke the protocol: " + e.reason }

func guilty(format string, args ...any) error {
	return &guiltyError{reason: fmt.Sprintf(format, args...)}
}
