package protocol

import (
	"encoding/base32"

	"github.com/ipfs/go-cid"
)

// What a record's CID begins with in binary: version 1, dag-cbor, sha2-256, 32 bytes.
var idPrefix = [...]byte{0x01, cid.DagCBOR, 0x12, 0x20}

// base32Lower is multibase's base32, whose prefix is "b".
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// AppendText appends the CID, as [ID.String] writes it, without allocating anything else: an answer
// has many.
func (id ID) AppendText(b []byte) ([]byte, error) {
	var binary [len(idPrefix) + len(id)]byte
	copy(binary[:], idPrefix[:])
	copy(binary[len(idPrefix):], id[:])
	return base32Lower.AppendEncode(append(b, 'b'), binary[:]), nil
}
