package protocol

import (
	"bytes"
	"crypto/sha256"
)

// frame is how a record travels: a CBOR array of the header's bytes and the value's bytes. Null
// stands in place of a value that the record does not have or the sender no longer has.
type frame struct {
	_      struct{} `cbor:",toarray"`
	Header []byte
	Value  []byte
}

// EncodeFrame returns the record's frame: how it travels, by gossip, by fetch and over the API.
func (r *Record) EncodeFrame() []byte {
	raw, err := encoder.Marshal(&frame{Header: r.header, Value: r.value})
	if err != nil {
		panic(err) // two byte strings always encode
	}
	return raw
}

// DecodeFrame reads a frame strictly and the record in it. It keeps nothing of data. Errors are of
// type [*InvalidError].
func DecodeFrame(data []byte) (*Record, error) {
	if len(data) > MaxFrame {
		return nil, invalid(RuleSize, "frame of %d bytes, at most %d are allowed", len(data), MaxFrame)
	}
	var f frame
	if err := plainDecoder.Unmarshal(data, &f); err != nil {
		return nil, invalid(RuleEncoding, "frame: %v", err)
	}
	again, err := encoder.Marshal(&f)
	if err != nil || !bytes.Equal(again, data) {
		return nil, invalid(RuleEncoding, "frame: not the canonical encoding of what it holds")
	}
	return DecodeRecord(f.Header, f.Value)
}

// FrameHash identifies a frame in gossip. It covers the value too: an ID of the header alone would
// let a true header with a false value silence the true record.
func FrameHash(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
