package fetch

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// The fetch protocol, version 1. Its name is "/lf/<network>/fetch/1", with the CID of the network
// ID in base32. A stream carries one request and one answer; integers are big-endian.
//
//	request  = count (1 byte, 1 to 255) ancestors (1 byte) width (1 byte, 8 or 32) count × name (width bytes)
//	answer   = count × item, then up to ancestors × item
//	item     = status (1 byte) [ length (4 bytes, 1 to 65,552) frame ]
//
// The requester closes its side after the request. A name is a record's ID (32 bytes: the digest in
// the record's CID), or the first 8 bytes of it. Names SHOULD be short: long ones are for records
// whose short name turned out not to tell them from others.
//
// Status 0 says that the responder does not have the record; nothing follows. Status 1 says that
// the frame is complete. Status 2 says that the responder has dropped the value, and the frame
// holds null in its place. Status 3 says that several records that the responder has begin with the
// name; nothing follows, and the requester names the one it wants in full. With width 32 status 3
// is a fault. Status 4 says that the responder has the record and cannot send it now, as when its
// disk has damaged it; nothing follows. Any other status is a fault, and so is a frame that its
// status belies.
//
// The first items answer the names of the request, in their order, each with a record whose ID
// begins with the name. It need not be the one that the requester knows by that name. Then the
// requester takes this item for nothing and names the record in full. Each item after them MUST be
// a record that an earlier item of the same answer links to, and MUST have status 1 or 2. It is
// sent only if the request asked for ancestors. The responder chooses which, nearest first, and
// leaves out the network's genesis records. A responder MAY end its answer between any two items,
// and need not send any ancestor. The requester asks again for what it did not get. It MUST NOT
// send anything else. A requester that gets what is not allowed here resets the stream and believes
// nothing more of the answer.

// Service is the protocol.
var Service = stream.Service{Name: "fetch", Streams: 2 * MaxPerPeer, Memory: requestMemory, Time: stream.ServeTime}

// status says what an item of an answer is.
type status byte

const (
	statusUnknown   status = 0 // the responder does not have the record
	statusComplete  status = 1
	statusPruned    status = 2 // the frame lacks the value
	statusAmbiguous status = 3 // several records begin with the name
	statusDamaged   status = 4 // the responder has the record and cannot send it now
)

const (
	requestHead = 3
	// IDSize is the size of a name that is a whole ID.
	IDSize = len(protocol.ID{})
	// NameSize is that of a short name.
	NameSize = 8
	itemHead = 1 + 4
)

// Request is the protocol's request. The one who sends it knows the whole IDs; of those that
// come, only the first width bytes count.
type Request struct {
	IDs       []protocol.ID
	Width     int // NameSize or IDSize
	Ancestors int
}

// AppendRequest encodes a request, which is within the limits.
func AppendRequest(b []byte, r Request) []byte {
	b = append(b, byte(len(r.IDs)), byte(r.Ancestors), byte(r.Width))
	for i := range r.IDs {
		b = append(b, r.IDs[i][:r.Width]...)
	}
	return b
}

// ReadRequest reads a request.
func ReadRequest(in io.Reader) (Request, error) {
	var head [requestHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	r := Request{Ancestors: int(head[1]), Width: int(head[2])}
	count := int(head[0])
	switch {
	case count == 0:
		return r, penalty.Violates("a request for nothing")
	case r.Width != NameSize && r.Width != IDSize:
		return r, penalty.Violates("a request with names of %d bytes", r.Width)
	}
	raw := make([]byte, count*r.Width)
	if _, err := io.ReadFull(in, raw); err != nil {
		return r, fmt.Errorf("read names: %w", err)
	}
	r.IDs = make([]protocol.ID, count)
	for i := range r.IDs {
		copy(r.IDs[i][:], raw[i*r.Width:(i+1)*r.Width])
	}
	return r, nil
}

// Item is one record of an answer. The record is nil where the responder does not have it, has
// several of that name, or has it in a version that is not known here.
type Item struct {
	Record    *protocol.Record
	Pruned    bool
	Ambiguous bool
	Unknown   bool // of an unknown version: it may link to anything
	Damaged   bool // the responder has it and cannot send it now
}

// WriteItem writes an item; r is nil for a record that is not here. It returns the bytes written.
func WriteItem(out io.Writer, r *protocol.Record) (int, error) {
	if r == nil {
		return out.Write([]byte{byte(statusUnknown)})
	}
	frame, st := r.EncodeFrame(), statusComplete
	if !r.HasValue() {
		st = statusPruned
	}
	var head [itemHead]byte
	head[0] = byte(st)
	binary.BigEndian.PutUint32(head[1:], uint32(len(frame))) // at most MaxFrame
	if _, err := out.Write(head[:]); err != nil {
		return 0, err
	}
	n, err := out.Write(frame)
	return itemHead + n, err
}

// WriteAmbiguous writes the item that says that several records have the name.
func WriteAmbiguous(out io.Writer) (int, error) { return out.Write([]byte{byte(statusAmbiguous)}) }

// WriteDamaged writes the item that says that the record is here and cannot be sent.
func WriteDamaged(out io.Writer) (int, error) { return out.Write([]byte{byte(statusDamaged)}) }

// NewAnswerReader makes the reader that ReadItem needs: one that holds the largest item.
func NewAnswerReader(in io.Reader) *bufio.Reader { return bufio.NewReaderSize(in, maxItem) }

// ReadItem reads an item. It returns io.EOF where the answer ends before it.
func ReadItem(in *bufio.Reader) (Item, error) {
	first, err := in.ReadByte()
	if err != nil {
		return Item{}, err
	}
	switch st := status(first); st {
	case statusUnknown:
		return Item{}, nil
	case statusAmbiguous:
		return Item{Ambiguous: true}, nil
	case statusDamaged:
		return Item{Damaged: true}, nil
	case statusComplete, statusPruned:
		return readFrame(in, st == statusPruned)
	default:
		return Item{}, penalty.Violates("an item with status %d", first)
	}
}

// readFrame reads the frame of an item.
func readFrame(in *bufio.Reader, pruned bool) (Item, error) {
	r, err := stream.ReadFrame(in)
	switch {
	case protocol.IsUnknownVersion(err):
		// of no use to this software, as if the peer did not have it
		return Item{Unknown: true}, nil
	case err != nil:
		return Item{}, err
	case r.HasValue() == pruned:
		return Item{}, penalty.Violates("record %s: its status belies its frame", r.ID())
	}
	return Item{Record: r, Pruned: pruned}, nil
}
