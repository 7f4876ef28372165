package protocol

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// SelectorKey is a name, blinded: the Ed25519 public key that the name derives to on one network.
// Its text form is hexadecimal.
type SelectorKey [ed25519.PublicKeySize]byte

func (k SelectorKey) String() string { return hex.EncodeToString(k[:]) }

// MarshalText writes hexadecimal.
func (k SelectorKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads hexadecimal.
func (k *SelectorKey) UnmarshalText(text []byte) error { return unhex(k[:], text, "selector key") }

// Mask is the secret that values are sealed with: a name's default mask, or what a masking key
// derives to.
type Mask [32]byte

// NameKey is what a name derives to on one network: the key pair that claims selectors and the
// name's default mask. It is a secret: with it one can publish under the name and read what is
// filed under it.
type NameKey struct {
	secret ed25519.PrivateKey
	mask   Mask
}

// Selector returns the blinded name.
func (k NameKey) Selector() SelectorKey { return SelectorKey(k.secret.Public().(ed25519.PublicKey)) }

// Mask returns the name's default mask.
func (k NameKey) Mask() Mask { return k.mask }

// DeriveName blinds a name: 1 to [MaxName] bytes of valid UTF-8, taken as they are, without
// normalization. It costs what the network's name hardening says (default 4 MiB and about 3 ms), on
// purpose; see [NameCache].
func (n *Network) DeriveName(name string) (NameKey, error) {
	if err := CheckName(name); err != nil {
		return NameKey{}, err
	}
	out := n.harden(domainName, name, 64)
	k := NameKey{secret: ed25519.NewKeyFromSeed(out[:ed25519.SeedSize])}
	copy(k.mask[:], out[ed25519.SeedSize:])
	return k, nil
}

// CheckName says what is wrong with a name, nil if nothing is.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a selector's name is empty")
	case len(name) > MaxName:
		return fmt.Errorf("a selector's name has %d bytes, at most %d are allowed", len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("a selector's name is not valid UTF-8: %q", name)
	}
	return nil
}

// DeriveMask derives the mask of a masking key, at the cost of a name.
func (n *Network) DeriveMask(maskingKey string) Mask {
	var m Mask
	copy(m[:], n.harden(domainMask, maskingKey, 32))
	return m
}

// harden is Argon2id (RFC 9106) with one lane and the parameters of the genesis.
func (n *Network) harden(domain, input string, size uint32) []byte {
	salt := append([]byte(domain), n.id[:]...)
	h := n.params.NameHardening
	return argon2.IDKey([]byte(input), salt, h.Passes, h.MemoryKiB, 1, size)
}

// claim signs a body and an ordinal with the key that a name derives to.
func (n *Network) claim(k NameKey, body [32]byte, ordinal uint64) [64]byte {
	return [64]byte(ed25519.Sign(k.secret, n.claimMessage(body, ordinal)))
}

func (n *Network) claimMessage(body [32]byte, ordinal uint64) []byte {
	return binary.BigEndian.AppendUint64(n.domain(domainClaim, body[:]), ordinal)
}
