package protocol

import (
	"encoding/base64"
	"fmt"
	"io"
)

// Secret is the key that all nodes of a private network share, and without which nobody can talk
// with one: 32 random bytes. It is no part of the genesis, so it can be replaced. Printing it shows
// no more than that it is one; MarshalText writes it.
type Secret [32]byte

// NewSecret draws a secret from a source of random bytes.
func NewSecret(random io.Reader) (*Secret, error) {
	s := new(Secret)
	if _, err := io.ReadFull(random, s[:]); err != nil {
		return nil, fmt.Errorf("draw a network's secret: %w", err)
	}
	return s, nil
}

// MarshalText implements encoding.TextMarshaler: base64, as network files have it.
func (s Secret) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, s[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	// line breaks are skipped
	if err != nil || len(raw) != len(s) || len(text) != base64.StdEncoding.EncodedLen(len(s)) {
		return fmt.Errorf("the secret is not %d bytes in base64", len(s))
	}
	copy(s[:], raw)
	return nil
}

// String keeps secrets out of logs.
func (s Secret) String() string { return "(secret)" }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format implements fmt.Formatter, so that no verb prints the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
