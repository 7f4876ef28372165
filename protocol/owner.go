package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/mr-tron/base58"
)

// Owner is the Ed25519 public key that signs a record. Its text form is the libp2p peer ID of that
// key ("12D3KooW…"), so one can trust a node and an owner in the same way.
type Owner [ed25519.PublicKeySize]byte

// A peer ID of an Ed25519 key is an identity multihash (00, length 36) over the protobuf message
// PublicKey{Type: Ed25519, Data: 32 bytes}:
// https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
var peerIDPrefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

// maxOwnerText is more than the 52 characters that a peer ID has.
const maxOwnerText = 64

func (o Owner) String() string {
	return base58.Encode(append(bytes.Clone(peerIDPrefix), o[:]...))
}

// ParseOwner reads an owner's text form.
func ParseOwner(s string) (Owner, error) {
	var o Owner
	if len(s) > maxOwnerText { // base58 takes quadratic time
		return o, fmt.Errorf("not an owner (the peer ID of an Ed25519 key, 12D3KooW…): %d characters", len(s))
	}
	b, err := base58.Decode(s)
	if err != nil || len(b) != len(peerIDPrefix)+len(o) || !bytes.HasPrefix(b, peerIDPrefix) {
		return o, fmt.Errorf("not an owner (the peer ID of an Ed25519 key, 12D3KooW…): %q", s)
	}
	copy(o[:], b[len(peerIDPrefix):])
	return o, nil
}

// MarshalText writes the peer ID.
func (o Owner) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a peer ID.
func (o *Owner) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOwner(string(text))
	return err
}

// OwnerOf returns the owner whose secret key this is. The key has its full length, as [ParseKeyPEM]
// and crypto/ed25519 return it.
func OwnerOf(key ed25519.PrivateKey) Owner { return Owner(key.Public().(ed25519.PublicKey)) }

// smallOrder lists the y coordinates of the 8 points of small order, little-endian and without the
// sign of x. For 0 and 1, ZIP-215 allows another encoding each.
var smallOrder = [...]Owner{
	{},
	{1},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
	fieldPrime(0xec),
	fieldPrime(0xed),
	fieldPrime(0xee),
}

// fieldPrime is 2^255−19 with another lowest byte.
func fieldPrime(lowest byte) Owner {
	o := Owner(bytes.Repeat([]byte{0xff}, len(Owner{})))
	o[0], o[31] = lowest, 0x7f
	return o
}

// SmallOrder reports whether the key is of small order. Everybody can make signatures that verify
// under it, so it is nobody's key. ZIP-215 lets it sign records all the same. Never trust a record
// for such a signature.
func (o Owner) SmallOrder() bool {
	o[31] &= 0x7f
	return slices.Contains(smallOrder[:], o)
}

// pemKeyType is what RFC 5958 calls an unencrypted PKCS#8 key.
const pemKeyType = "PRIVATE KEY"

// MarshalKeyPEM writes an Ed25519 secret key as PKCS#8 in PEM, which openssl and the standard
// libraries of most languages read.
func MarshalKeyPEM(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("secret key has %d bytes, want %d", len(key), ed25519.PrivateKeySize)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode secret key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemKeyType, Bytes: der}), nil
}

// ParseKeyPEM reads what [MarshalKeyPEM] writes.
func ParseKeyPEM(text []byte) (ed25519.PrivateKey, error) {
	const want = "not a secret key in PEM (want one block \"-----BEGIN PRIVATE KEY-----\")"
	blocks, err := pemBlocks(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", want, err)
	case blocks[0].Type != pemKeyType:
		return nil, fmt.Errorf("%s: %s", want, describeBlock(blocks[0]))
	case len(blocks) > 1:
		return nil, errors.New("more than one block in a secret key's file")
	}
	if _, rest := pem.Decode(bytes.TrimPrefix(text, byteOrderMark)); len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("there is text after the block of a secret key")
	}
	key, err := x509.ParsePKCS8PrivateKey(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("the secret key is damaged or of a kind that is not known here, want Ed25519: %w", err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the secret key is %s, want Ed25519. %s", keyKind(key), keyAdvice)
	}
	return ed, nil
}
