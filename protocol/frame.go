package protocol

import (
	"bytes"
	"crypto/sha256"
)

// EncodeFrame returns the record's frame: how it travels, by gossip, by fetch and over the API. It is a CBOR array of
// the header's bytes and the value's bytes, or null in place of a value that the record does not have or the sender no
// longer has.
func (r *Record) EncodeFrame() []byte {
	b := make([]byte, 0, 8+len(r.header)+len(r.value))
	b = appendBytes(appendArray(b, 2), r.header)
	if r.value == nil {
		return append(b, null)
	}
	return appendBytes(b, r.value)
}

// DecodeFrame reads a frame strictly and the record in it. It keeps nothing of data. Errors are of type
// [*InvalidError].
func DecodeFrame(data []byte) (*Record, error) {
	if len(data) > MaxFrame {
		return nil, invalid(RuleSize, "frame of %d bytes, at most %d are allowed", len(data), MaxFrame)
	}
	in := reader{data: bytes.Clone(data)}
	in.array("frame", 2)
	header := in.bytes("header")
	var value []byte
	if !in.null() {
		value = in.bytes("value")
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	return DecodeRecord(header, value)
}

// FrameHash identifies a frame in gossip. It covers the value too: an ID of the header alone would let a true header
// with a false value silence the true record.
func FrameHash(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
