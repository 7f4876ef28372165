package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// ID identifies a record: the SHA-256 of its header. Its text form is the record's CID (version 1,
// dag-cbor, sha2-256, base32), its binary form in a header that CID under CBOR tag 42.
type ID [sha256.Size]byte

// ValueID identifies a sealed value: its SHA-256. Its text form is a CID of the codec raw.
type ValueID [sha256.Size]byte

// The bytes before the digest: in a CID they are its version, its codec, sha2-256 and the length
// 32. DAG-CBOR has tag 42, a byte string of 37 bytes and the multibase identity prefix before the
// CID.
var (
	idPrefix    = [...]byte{0x01, cid.DagCBOR, 0x12, 0x20}
	linkPrefix  = []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, cid.DagCBOR, 0x12, 0x20}
	valuePrefix = []byte{0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, cid.Raw, 0x12, 0x20}
)

// base32Lower is multibase's base32, whose prefix is "b".
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// CID returns the record's CID.
func (id ID) CID() cid.Cid { return cidOf(cid.DagCBOR, id[:]) }

// CID returns the value's CID.
func (id ValueID) CID() cid.Cid { return cidOf(cid.Raw, id[:]) }

func (id ID) String() string      { return id.CID().String() }
func (id ValueID) String() string { return id.CID().String() }

// AppendText appends the CID, as [ID.String] writes it, without allocating anything else: an answer
// has many.
func (id ID) AppendText(b []byte) ([]byte, error) {
	var binary [len(idPrefix) + len(id)]byte
	copy(binary[:], idPrefix[:])
	copy(binary[len(idPrefix):], id[:])
	return base32Lower.AppendEncode(append(b, 'b'), binary[:]), nil
}

// Compare orders IDs by their bytes, as links are sorted.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// ParseID reads a record's CID in any multibase.
func ParseID(s string) (ID, error) {
	var id ID
	c, err := parseCID(s)
	if err != nil {
		return id, err
	}
	return IDFromCID(c)
}

// IDFromCID takes the digest out of a record's CID.
func IDFromCID(c cid.Cid) (ID, error) {
	var id ID
	digest, err := digestOf(c, cid.DagCBOR)
	copy(id[:], digest)
	return id, err
}

// MarshalText writes the CID.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads a CID.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// MarshalText writes the CID.
func (id ValueID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads a CID of the codec raw.
func (id *ValueID) UnmarshalText(text []byte) error {
	c, err := parseCID(string(text))
	if err != nil {
		return err
	}
	digest, err := digestOf(c, cid.Raw)
	copy(id[:], digest)
	return err
}

// MarshalCBOR writes the link as DAG-CBOR does.
func (id ID) MarshalCBOR() ([]byte, error) { return marshalDigest(linkPrefix, id[:]), nil }

// UnmarshalCBOR reads a link and refuses every other kind of CID.
func (id *ID) UnmarshalCBOR(data []byte) error { return unmarshalDigest(id[:], linkPrefix, data) }

// MarshalCBOR writes the link as DAG-CBOR does.
func (id ValueID) MarshalCBOR() ([]byte, error) { return marshalDigest(valuePrefix, id[:]), nil }

// UnmarshalCBOR reads a link to a raw block and refuses every other kind of CID.
func (id *ValueID) UnmarshalCBOR(data []byte) error { return unmarshalDigest(id[:], valuePrefix, data) }

func marshalDigest(prefix, digest []byte) []byte {
	return append(append(make([]byte, 0, len(prefix)+len(digest)), prefix...), digest...)
}

func unmarshalDigest(dst, prefix, data []byte) error {
	if len(data) != len(prefix)+len(dst) || !bytes.HasPrefix(data, prefix) {
		return errors.New("not a CID (version 1, sha2-256) of the codec wanted here")
	}
	copy(dst, data[len(prefix):])
	return nil
}

// maxCIDText is a little more than the longest text form of a CID, which is in base 2.
const maxCIDText = 320

func parseCID(s string) (cid.Cid, error) {
	if len(s) > maxCIDText {
		return cid.Undef, fmt.Errorf("not a CID: %d characters", len(s))
	}
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, fmt.Errorf("not a CID: %q", s)
	}
	return c, nil
}

func cidOf(codec uint64, digest []byte) cid.Cid {
	mh, err := multihash.Encode(digest, multihash.SHA2_256)
	if err != nil {
		panic(err) // a digest of 32 bytes always encodes
	}
	return cid.NewCidV1(codec, mh)
}

func digestOf(c cid.Cid, codec uint64) ([]byte, error) {
	p := c.Prefix()
	if p.Version != 1 || p.Codec != codec || p.MhType != multihash.SHA2_256 || p.MhLength != sha256.Size {
		return nil, fmt.Errorf("%s is not the CID of a record or value of LF", c)
	}
	decoded, err := multihash.Decode(c.Hash())
	if err != nil {
		return nil, fmt.Errorf("CID %s: %w", c, err)
	}
	return decoded.Digest, nil
}

// CompositeID identifies a composite key: a hash over the sorted (key, ordinal) pairs of all
// selectors. Its text form is hexadecimal.
type CompositeID [sha256.Size]byte

func (c CompositeID) String() string { return hex.EncodeToString(c[:]) }

// MarshalText writes hexadecimal.
func (c CompositeID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads hexadecimal.
func (c *CompositeID) UnmarshalText(text []byte) error { return unhex(c[:], text, "composite ID") }

func unhex(dst, text []byte, what string) error {
	if hex.DecodedLen(len(text)) != len(dst) {
		return fmt.Errorf("%s: want %d hexadecimal digits, have %d", what, hex.EncodedLen(len(dst)), len(text))
	}
	if _, err := hex.Decode(dst, text); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
