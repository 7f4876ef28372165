package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
)

// Params are a network's parameters. They are fixed by its genesis for ever: what decides validity cannot be amended.
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
	// AuthRequired refuses every record of an owner that no authority certified.
	AuthRequired bool `cbor:"authRequired" json:"authRequired,omitempty"`
}

// Hardening holds the parameters of Argon2id, with one lane.
type Hardening struct {
	MemoryKiB uint32 `cbor:"memoryKiB" json:"memoryKiB"`
	Passes    uint32 `cbor:"passes" json:"passes"`
}

// DefaultParams are those of a public network: work of one unit for each byte (SPEC.md, "Work", has the derivation),
// names that cost about 3 ms.
func DefaultParams() Params {
	return Params{
		MinLinks:            2,
		MaxValue:            1024,
		WorkPerKiB:          1024,
		WorkPerKiBCertified: 64,
		NameHardening:       Hardening{MemoryKiB: 4 << 10, Passes: 1},
		ClockDrift:          2 * 60 * 1000,
	}
}

// Check says what is wrong with the parameters, nil if nothing is.
func (p *Params) Check() error {
	switch {
	case p.Name == "" || len(p.Name) > 64:
		return fmt.Errorf("a network's name has 1 to 64 bytes, not %d", len(p.Name))
	case len(p.Contact) > 256 || len(p.Comment) > 1024:
		return fmt.Errorf("a network's contact has at most 256 bytes and its comment at most 1024")
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
	}
	return nil
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
		return p, fmt.Errorf("network parameters: not the canonical encoding of what they hold")
	}
	return p, p.Check()
}

// NewNetwork makes the genesis records of a new network, signed by keys that nobody keeps, as of a time in
// milliseconds. random is crypto/rand's reader but in tests.
func NewNetwork(p Params, now uint64, random io.Reader) (*Network, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var records []*Record
	for range p.MinLinks - 1 {
		r, err := newGenesis(Header{Timestamp: now}, nil, random)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	raw, err := encodeParams(p)
	if err != nil {
		return nil, err
	}
	last := Header{
		Timestamp: now,
		Links:     sortedLinks(idsOf(records)),
		Value:     &ValueRef{ID: sha256.Sum256(raw), Size: uint32(len(raw))}, //nolint:gosec // Check bounds the parts
	}
	r, err := newGenesis(last, raw, random)
	if err != nil {
		return nil, err
	}
	return OpenNetwork(append(records, r))
}

func newGenesis(h Header, value []byte, random io.Reader) (*Record, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("genesis key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed[:])
	h.Version, h.Type, h.Owner = Version, TypeGenesis, OwnerOf(key)
	r, err := NewRecord(h, value)
	if err != nil {
		return nil, err
	}
	return (*Network)(nil).Sign(r, key)
}

func idsOf(records []*Record) []ID {
	ids := make([]ID, len(records))
	for i, r := range records {
		ids[i] = r.ID()
	}
	return ids
}
