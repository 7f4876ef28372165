package protocol

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// NamePoint is a name with an ordinal: a selector, before it is blinded and claimed.
type NamePoint struct {
	Name    NameKey
	Ordinal uint64
}

// Draft is a record before its claims, its signature and its work. Value holds the plain value, nil for none; Mask
// seals it, and when nil the first name's default mask does. The first of Names becomes the primary selector.
type Draft struct {
	Type      Type
	Owner     Owner
	Timestamp uint64
	Links     []ID
	Names     []NamePoint
	Value     []byte
	Mask      *Mask
}

// Compose seals a draft's value and claims its selectors. The result lacks the signature and the work, so who
// composes (a proxy, say) needs no secret key of the owner's.
func (n *Network) Compose(d Draft) (*Record, error) {
	h := Header{Version: Version, Type: d.Type, Owner: d.Owner, Timestamp: d.Timestamp, Links: sortedLinks(d.Links)}
	names := sortedNames(d.Names)
	for _, p := range names {
		h.Selectors = append(h.Selectors, Selector{Key: p.Name.Selector(), Ordinal: p.Ordinal})
	}
	if err := checkDistinct(h.Selectors); err != nil {
		return nil, err
	}
	sealed, err := n.sealDraft(d, &h)
	if err != nil {
		return nil, err
	}
	unclaimed, err := NewRecord(h, sealed)
	if err != nil {
		return nil, err
	}
	body := unclaimed.bodyHash()
	for i, p := range names {
		h.Selectors[i].Claim = n.claim(p.Name, body, p.Ordinal)
	}
	return NewRecord(h, sealed)
}

func (n *Network) sealDraft(d Draft, h *Header) ([]byte, error) {
	if d.Value == nil {
		return nil, nil
	}
	mask := d.Mask
	if mask == nil {
		if len(d.Names) == 0 {
			return nil, errors.New("a value without a selector needs a mask")
		}
		m := d.Names[0].Name.Mask()
		mask = &m
	}
	sealed, err := n.Seal(*mask, h.SealingOf(), d.Value)
	if err != nil {
		return nil, err
	}
	if limit := n.valueLimit(d.Type); uint64(len(sealed)) > uint64(limit) {
		return nil, fmt.Errorf("the value is too large: %d bytes when sealed, and this network allows %d", len(sealed), limit)
	}
	h.Value = &ValueRef{ID: sha256.Sum256(sealed), Size: uint32(len(sealed))} //nolint:gosec // at most MaxPlaintext and a little
	return sealed, nil
}

// Sign returns the record with the owner's signature in it, and without work.
func (n *Network) Sign(r *Record, key ed25519.PrivateKey) (*Record, error) {
	if len(key) != ed25519.PrivateKeySize || OwnerOf(key) != r.Owner {
		return nil, fmt.Errorf("the secret key is not that of owner %s", r.Owner)
	}
	h := r.Header
	h.Signature = [64]byte(ed25519.Sign(key, n.signatureMessage(r)))
	h.Work = nil
	return NewRecord(h, r.value)
}

// Pay returns the record with at least the work that the network asks for, done by solve. It does not call solve
// where no work is asked for and minEffort is 0.
func (n *Network) Pay(r *Record, minEffort uint32, solve WorkSolver) (*Record, error) {
	effort := max(n.RequiredEffort(r), minEffort)
	h := r.Header
	h.Work = nil
	if effort > 0 {
		w, err := solve(n.Challenge(r), effort)
		if err != nil {
			return nil, fmt.Errorf("proof of work: %w", err)
		}
		h.Work = &w
	}
	return NewRecord(h, r.value)
}

func (n *Network) signatureMessage(r *Record) []byte {
	signed := r.SignedHash()
	return n.scope(r.Type).domain(domainRecord, signed[:])
}

func sortedLinks(links []ID) []ID {
	sorted := slices.Clone(links)
	slices.SortFunc(sorted, ID.Compare)
	return slices.Compact(sorted)
}

// sortedNames leaves the first in its place and sorts the rest as selectors are sorted.
func sortedNames(names []NamePoint) []NamePoint {
	sorted := slices.Clone(names)
	if len(sorted) > 2 {
		slices.SortFunc(sorted[1:], func(a, b NamePoint) int {
			ka, kb := a.Name.Selector(), b.Name.Selector()
			return cmp.Or(bytes.Compare(ka[:], kb[:]), cmp.Compare(a.Ordinal, b.Ordinal))
		})
	}
	return sorted
}
