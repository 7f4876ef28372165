package protocol

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
)

// NamePoint is a name with an ordinal: a selector, before it is blinded and claimed.
type NamePoint struct {
	Name    NameKey
	Ordinal uint64
}

// Draft is a record before its claims, its signature and its work. Value is nil for none. A datum's
// is the plain value; Mask seals it, and when nil the first name's default mask does. The value of
// any other type is carried as it is. The first of Names becomes the primary selector. Random is
// where the seal's nonce comes from: nil is crypto/rand's reader, and only tests set another one.
type Draft struct {
	Type      Type
	Owner     Owner
	Timestamp uint64
	Links     []ID
	Names     []NamePoint
	Value     []byte
	Mask      *Mask
	Random    io.Reader
}

// Compose seals a datum's value and claims the draft's selectors. The result lacks the signature
// and the work, so a composer (a proxy, say) does not need the owner's secret key.
func (n *Network) Compose(d Draft) (*Record, error) {
	h, names, err := draftHeader(d)
	if err != nil {
		return nil, err
	}
	value, err := n.draftValue(d, &h)
	if err != nil {
		return nil, err
	}
	unclaimed, err := NewRecord(h, value)
	if err != nil {
		return nil, err
	}
	body := unclaimed.bodyHash()
	for i, p := range names {
		h.Selectors[i].Claim = n.claim(p.Name, body, p.Ordinal)
	}
	return NewRecord(h, value)
}

// draftHeader returns the header of a draft's record without its value and claims, and the names in
// the order of the selectors.
func draftHeader(d Draft) (Header, []NamePoint, error) {
	h := Header{Version: Version, Type: d.Type, Owner: d.Owner, Timestamp: d.Timestamp, Links: sortedLinks(d.Links)}
	names := sortedNames(d.Names)
	for _, p := range names {
		h.Selectors = append(h.Selectors, Selector{Key: p.Name.Selector(), Ordinal: p.Ordinal})
	}
	return h, names, checkDistinct(h.Selectors)
}

// draftValue returns the value as the record carries it, and sets the header's reference to it.
func (n *Network) draftValue(d Draft, h *Header) ([]byte, error) {
	if d.Value == nil {
		return nil, nil
	}
	value := d.Value
	if d.Type == TypeDatum {
		sealed, err := n.sealDraft(d, h)
		if err != nil {
			return nil, err
		}
		value = sealed
	}
	if err := n.checkCarried(d.Type, len(value)); err != nil {
		return nil, err
	}
	h.Value = &ValueRef{ID: sha256.Sum256(value), Size: uint32(len(value))} // at most MaxValue
	return value, nil
}

// checkCarried says what is wrong with the size of a value as a record carries it.
func (n *Network) checkCarried(t Type, size int) error {
	limit := n.valueLimit(t)
	switch {
	case size == 0:
		return fmt.Errorf("a %s with a value of 0 bytes", t)
	case uint64(size) > uint64(limit): // a size is not negative
		return fmt.Errorf("the value is too large: %d bytes as it is carried, and this network allows %d", size, limit)
	}
	return nil
}

// DraftEffort returns the effort that the network will ask of a draft's record, without composing
// it. certified tells that the draft will link its owner's certificate. The timestamp and the links
// may still change: the effort stays the same if there are as many links.
func (n *Network) DraftEffort(d Draft, certified bool) (uint32, error) {
	h, _, err := draftHeader(d)
	if err != nil {
		return 0, err
	}
	if h.Value, err = n.draftSize(d); err != nil {
		return 0, err
	}
	r, err := NewRecord(h, nil)
	if err != nil {
		return 0, err
	}
	if certified {
		return n.CertifiedEffort(r), nil
	}
	return n.RequiredEffort(r), nil
}

// draftSize returns a reference that has the size of a draft's value alone, nil where there is
// none.
func (n *Network) draftSize(d Draft) (*ValueRef, error) {
	if d.Value == nil {
		return nil, nil
	}
	size := len(d.Value)
	if d.Type == TypeDatum {
		body, err := pack(d.Value)
		if err != nil {
			return nil, err
		}
		size = len(body) - 1 + SealOverhead // the form byte is in both
	}
	return &ValueRef{Size: uint32(size)}, n.checkCarried(d.Type, size) // at most MaxValue
}

func (n *Network) sealDraft(d Draft, h *Header) ([]byte, error) {
	mask := d.Mask
	if mask == nil {
		if len(d.Names) == 0 {
			return nil, errors.New("a value without a selector needs a mask")
		}
		m := d.Names[0].Name.Mask()
		mask = &m
	}
	random := d.Random
	if random == nil {
		random = rand.Reader
	}
	return n.seal(*mask, h.SealingOf(), d.Value, random)
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

// Pay returns the record with at least the work that the network asks for, done by solve. It does
// not call solve if no work is required and minEffort is 0.
func (n *Network) Pay(r *Record, minEffort uint32, solve WorkSolver) (*Record, error) {
	return n.pay(r, max(n.RequiredEffort(r), minEffort), solve)
}

// PayCertified is [Network.Pay] for a record that links the record of its owner's certificate: it
// asks for less.
func (n *Network) PayCertified(r *Record, minEffort uint32, solve WorkSolver) (*Record, error) {
	return n.pay(r, max(n.CertifiedEffort(r), minEffort), solve)
}

func (n *Network) pay(r *Record, effort uint32, solve WorkSolver) (*Record, error) {
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
