package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
)

// NewNetwork makes the genesis records of a new network, signed by keys that nobody keeps, as of a
// time in milliseconds. random is crypto/rand's reader, except in tests.
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
		Value:     &ValueRef{ID: sha256.Sum256(raw), Size: uint32(len(raw))},
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
