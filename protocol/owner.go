package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/mr-tron/base58"
)

// Owner is the Ed25519 public key that signs a record. Its text form is the libp2p peer ID of that key
// ("12D3KooW…"), so that trusting a node and trusting an owner are one notion.
type Owner [ed25519.PublicKeySize]byte

// A peer ID of an Ed25519 key is an identity multihash (00, length 36) over the protobuf message
// PublicKey{Type: Ed25519, Data: 32 bytes}: https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
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

// OwnerOf returns the owner whose secret key this is. The key has its full length, as [ParseKeyPEM] and crypto/ed25519
// return it.
func OwnerOf(key ed25519.PrivateKey) Owner { return Owner(key.Public().(ed25519.PublicKey)) }

// pemKeyType is what RFC 5958 calls an unencrypted PKCS#8 key.
const pemKeyType = "PRIVATE KEY"

// MarshalKeyPEM writes an Ed25519 secret key as PKCS#8 in PEM, which openssl and the standard libraries of
// most languages read.
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
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemKeyType {
		return nil, errors.New("not a secret key in PEM (want one block \"-----BEGIN PRIVATE KEY-----\")")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("more than one block in a secret key's file")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("secret key is of type %T, want Ed25519", key)
	}
	return ed, nil
}
