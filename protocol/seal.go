package protocol

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/crypto/chacha20poly1305"
)

// SealOverhead is how many bytes sealing adds to a value that does not compress: nonce, form byte
// and tag.
const SealOverhead = chacha20poly1305.NonceSize + 1 + chacha20poly1305.Overhead

// The form byte in front of the plaintext.
const (
	formPlain = 0
	formZstd  = 1
)

// Sealing says to which record a sealed value belongs: with the mask, it makes the key.
type Sealing struct {
	Owner     Owner
	Timestamp uint64
	Composite CompositeID
}

// SealingOf returns the sealing of a record's value.
func (h *Header) SealingOf() Sealing { return Sealing{h.Owner, h.Timestamp, h.CompositeID()} }

// Seal compresses a value when that makes it smaller and encrypts it. The result is what a record's
// value is. Plain values of up to [MaxPlaintext] bytes are accepted; whether the result fits the
// network is [Network.Check]'s.
func (n *Network) Seal(mask Mask, s Sealing, plain []byte) ([]byte, error) {
	return n.seal(mask, s, plain, rand.Reader)
}

func (n *Network) seal(mask Mask, s Sealing, plain []byte, random io.Reader) ([]byte, error) {
	body, err := pack(plain)
	if err != nil {
		return nil, err
	}
	aead, err := n.aead(mask, s)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSize, len(body)+SealOverhead)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("random nonce: %w", err)
	}
	return aead.Seal(nonce, nonce, body, nil), nil
}

// pack returns what is encrypted: the form byte and the value, compressed when that makes it
// smaller.
func pack(plain []byte) ([]byte, error) {
	if len(plain) > MaxPlaintext {
		return nil, fmt.Errorf("the value has %d bytes, at most %d are allowed", len(plain), MaxPlaintext)
	}
	body := append([]byte{formPlain}, plain...)
	if packed := compressor().EncodeAll(plain, []byte{formZstd}); len(packed) < len(body) {
		return packed, nil
	}
	return body, nil
}

// Open decrypts what [Network.Seal] made. It returns [ErrUnreadable] when the mask does not fit,
// and never more than [MaxPlaintext] bytes.
func (n *Network) Open(mask Mask, s Sealing, sealed []byte) ([]byte, error) {
	if len(sealed) < SealOverhead {
		return nil, ErrUnreadable
	}
	aead, err := n.aead(mask, s)
	if err != nil {
		return nil, err
	}
	nonce, box := sealed[:chacha20poly1305.NonceSize], sealed[chacha20poly1305.NonceSize:]
	body, err := aead.Open(nil, nonce, box, nil)
	if err != nil {
		return nil, ErrUnreadable
	}
	return unpack(body[0], body[1:])
}

// unpack undoes the form that a value was sealed in. Its result is never nil.
func unpack(form byte, data []byte) ([]byte, error) {
	switch form {
	case formPlain:
		return data, nil
	case formZstd:
		if err := checkZstdFrame(data); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		// which verifies the checksum, if there is one
		plain, err := decompressor().DecodeAll(data, []byte{})
		if err != nil || len(plain) > MaxPlaintext {
			return nil, fmt.Errorf("%w: its compressed form is damaged or larger than %d bytes", ErrUnreadable, MaxPlaintext)
		}
		return plain, nil
	default:
		return nil, fmt.Errorf("%w: its form %d is not known", ErrUnreadable, form)
	}
}

func (n *Network) aead(mask Mask, s Sealing) (cipher.AEAD, error) {
	info := append([]byte(domainValue), s.Owner[:]...)
	info = binary.BigEndian.AppendUint64(info, s.Timestamp)
	info = append(info, s.Composite[:]...)
	key, err := hkdf.Key(sha256.New, mask[:], n.id[:], string(info), chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive value key: %w", err)
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("value cipher: %w", err)
	}
	return aead, nil
}

// Both are made on first use, are stateless between calls and start no goroutine with a concurrency
// of 1.
var (
	compressor = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithWindowSize(MaxPlaintext))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	})
	decompressor = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPlaintext))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
)
