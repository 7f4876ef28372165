package protocol

import "crypto/sha256"

// A frame is how a record travels: a CBOR array of the header's bytes and the value's bytes. Null
// stands in place of a value that the record does not have or the sender no longer has.

// EncodeFrame returns the record's frame: how it travels, by gossip, by fetch and over the API.
func (r *Record) EncodeFrame() []byte {
	const heads = 1 + 3 + 3 // an array, and byte strings below 2^16
	b := append(make([]byte, 0, heads+r.WireSize()), arrayOf2)
	b = append(appendHead(b, majorBytes, uint64(len(r.header))), r.header...)
	if r.value == nil {
		return append(b, null)
	}
	return append(appendHead(b, majorBytes, uint64(len(r.value))), r.value...)
}

// DecodeFrame reads a frame strictly and the record in it. It keeps nothing of data. Errors are of
// type [*InvalidError].
func DecodeFrame(data []byte) (*Record, error) {
	if len(data) > MaxFrame {
		return nil, invalid(RuleSize, "frame of %d bytes, at most %d are allowed", len(data), MaxFrame)
	}
	header, value, ok := cutFrame(data)
	if !ok {
		return nil, invalid(RuleEncoding, "frame: not an array of two byte strings, each in its shortest form")
	}
	r, err := DecodeRecord(header, value)
	if err != nil {
		return nil, err
	}
	r.own()
	return r, nil
}

// cutFrame returns the parts of a frame, nil in the place of null.
func cutFrame(data []byte) (header, value []byte, ok bool) {
	if len(data) == 0 || data[0] != arrayOf2 {
		return nil, nil, false
	}
	header, rest, ok := cutBytes(data[1:])
	if !ok {
		return nil, nil, false
	}
	if len(rest) == 1 && rest[0] == null {
		return header, nil, true
	}
	value, rest, ok = cutBytes(rest)
	return header, value, ok && len(rest) == 0
}

// own copies the header and the value, which are somebody else's, to one place.
func (r *Record) own() {
	b := make([]byte, 0, r.WireSize())
	b = append(append(b, r.header...), r.value...)
	end := len(r.header)
	r.header = b[:end:end]
	if r.value != nil {
		r.value = b[end:]
	}
}

// FrameHash identifies a frame in gossip. It covers the value too: an ID of the header alone would
// let a true header with a false value silence the true record.
func FrameHash(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
