package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Params are a network's parameters. The genesis fixes them forever: what decides validity cannot
// be amended.
type Params struct {
	// Name, Contact and Comment are for people; nothing depends on them.
	Name    string `cbor:"name" json:"name"`
	Contact string `cbor:"contact" json:"contact,omitempty"`
	Comment string `cbor:"comment" json:"comment,omitempty"`
	// MinLinks is how many links a record has at least, and how many genesis records there are.
	MinLinks uint32 `cbor:"minLinks" json:"minLinks"`
	// MaxValue is the largest sealed value of a datum, in bytes.
	MaxValue uint32 `cbor:"maxValue" json:"maxValue"`
	// WorkPerKiB is the effort a record needs for each KiB of its size; 0 asks for no work.
	WorkPerKiB uint32 `cbor:"workPerKiB" json:"workPerKiB"`
	// WorkPerKiBCertified is the same for records that rest on a certificate.
	WorkPerKiBCertified uint32 `cbor:"workPerKiBCertified" json:"workPerKiBCertified"`
	// NameHardening is what blinding a name costs.
	NameHardening Hardening `cbor:"nameHardening" json:"nameHardening"`
	// ClockDrift is how far ahead of a node's clock a timestamp may be, in milliseconds.
	ClockDrift uint64 `cbor:"clockDrift" json:"clockDriftMs"`
	// Authorities are the X.509 certificates (DER) of the network's CAs.
	Authorities [][]byte `cbor:"authorities" json:"authorities,omitempty"`
	// AuthRequired refuses every record that rests on no certificate by an authority, except
	// records that carry certificates or revocations.
	AuthRequired bool `cbor:"authRequired" json:"authRequired,omitempty"`
}

// Hardening holds the parameters of Argon2id, with one lane.
type Hardening struct {
	MemoryKiB uint32 `cbor:"memoryKiB" json:"memoryKiB"`
	Passes    uint32 `cbor:"passes" json:"passes"`
}

// DefaultParams are those of a public network. A record costs one unit of work for each byte
// (SPEC.md, "Work", has the derivation), and a name costs about 3 ms. A value has room for the
// certificates of a web server and its intermediate, with RSA-4096.
func DefaultParams() Params {
	return Params{
		MinLinks:            2,
		MaxValue:            4096,
		WorkPerKiB:          1024,
		WorkPerKiBCertified: 64,
		NameHardening:       Hardening{MemoryKiB: 4 << 10, Passes: 1},
		ClockDrift:          2 * 60 * 1000,
	}
}

// Check says what is wrong with the parameters, nil if nothing is.
func (p *Params) Check() error {
	for _, text := range []string{p.Name, p.Contact, p.Comment} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return errors.New("a network's name, contact and comment are valid UTF-8 without control characters")
		}
	}
	switch {
	case p.Name == "" || len(p.Name) > 64:
		return fmt.Errorf("a network's name has 1 to 64 bytes, not %d", len(p.Name))
	case len(p.Contact) > 256 || len(p.Comment) > 1024:
		return errors.New("a network's contact has at most 256 bytes and its comment at most 1024")
	case p.MinLinks < MinLinksFloor || p.MinLinks > MaxLinks:
		return fmt.Errorf("minimum links must be %d to %d, not %d", MinLinksFloor, MaxLinks, p.MinLinks)
	case p.MaxValue < 64 || p.MaxValue > MaxValue:
		return fmt.Errorf("the value limit must be 64 to %d bytes, not %d", MaxValue, p.MaxValue)
	case p.WorkPerKiB > 1<<24 || p.WorkPerKiBCertified > 1<<24:
		return fmt.Errorf("work per KiB must be at most %d", 1<<24)
	case p.NameHardening.MemoryKiB < 8 || p.NameHardening.MemoryKiB > 1<<20:
		return fmt.Errorf("name hardening must use 8 KiB to 1 GiB of memory, not %d KiB", p.NameHardening.MemoryKiB)
	case p.NameHardening.Passes < 1 || p.NameHardening.Passes > 64:
		return fmt.Errorf("name hardening must make 1 to 64 passes, not %d", p.NameHardening.Passes)
	case p.ClockDrift < 1000 || p.ClockDrift > 24*60*60*1000:
		return fmt.Errorf("the clock drift must be 1 s to 24 h, not %d ms", p.ClockDrift)
	case p.AuthRequired && len(p.Authorities) == 0:
		return errors.New("a network that requires certificates needs an authority, or nobody could ever write")
	}
	_, err := parseAuthorities(p.Authorities)
	return err
}

func encodeParams(p Params) ([]byte, error) {
	if p.Authorities == nil {
		p.Authorities = [][]byte{}
	}
	raw, err := encoder.Marshal(&p)
	if err != nil {
		return nil, fmt.Errorf("encode network parameters: %w", err)
	}
	return raw, nil
}

func decodeParams(raw []byte) (Params, error) {
	var p Params
	if err := decoder.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("network parameters: %w", err)
	}
	again, err := encodeParams(p)
	if err != nil || !bytes.Equal(again, raw) {
		return p, errors.New("network parameters: not the canonical encoding of what they hold")
	}
	return p, p.Check()
}
