package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A record can be made by several hands: one composes it, its owner signs it, and another does the
// work. Here is what the hands need of each other.

// SignedMessage returns the bytes that the record's owner signs with Ed25519. They name the
// network.
func (n *Network) SignedMessage(r *Record) []byte { return n.signatureMessage(r) }

// WithSignature returns the record with a signature that its owner made over
// [Network.SignedMessage], and without work. It returns an [*InvalidError] if the signature is not
// the owner's.
func (n *Network) WithSignature(r *Record, signature []byte) (*Record, error) {
	if len(signature) != ed25519.SignatureSize {
		return nil, invalid(RuleSignature, "a signature of %d bytes, an Ed25519 signature has %d", len(signature), ed25519.SignatureSize)
	}
	if !verifySignature(r.Owner[:], n.signatureMessage(r), signature) {
		return nil, invalid(RuleSignature, "the signature is not by owner %s, or not over this record on this network", r.Owner)
	}
	h := r.Header
	h.Signature = [ed25519.SignatureSize]byte(signature)
	h.Work = nil
	return NewRecord(h, r.value)
}

// Worked is the hash of all that the record's work is for, the signature included.
func (r *Record) Worked() [sha256.Size]byte { return r.workHash() }

// WorkChallenge returns the challenge of a record's work, which [Record.Worked] and the network
// make. It is [Network.Challenge] for those who know nothing else of the record.
func (n *Network) WorkChallenge(worked [sha256.Size]byte) []byte {
	return n.domain(domainWork, worked[:])
}

// WorkedIn returns the hash in a challenge that [Network.Challenge] made. It reports false for any
// other challenge.
func (n *Network) WorkedIn(challenge []byte) (worked [sha256.Size]byte, ok bool) {
	if len(challenge) < len(worked) {
		return worked, false
	}
	worked = [sha256.Size]byte(challenge[len(challenge)-len(worked):])
	return worked, slices.Equal(n.WorkChallenge(worked), challenge)
}

// MaxEffort is the effort that the network asks of the largest record there can be. It is 0 where
// the network asks for no work.
func (n *Network) MaxEffort() uint32 {
	size := uint64(MaxHeader) + workBase + max(uint64(n.params.MaxValue), MaxCertificateValue)
	effort := (size*uint64(n.params.WorkPerKiB) + 1023) / 1024
	return uint32(min(effort, math.MaxUint32)) // bounded in this line
}

// CheckUnpaid is [Network.Check] for a record that has yet to be worked for: it applies every rule
// but those on work.
func (n *Network) CheckUnpaid(r *Record) error {
	if r.Type == TypeGenesis {
		return invalid(RuleGenesis, "nobody pays for a genesis record")
	}
	for _, rule := range []func(*Record) error{n.checkType, n.checkTimestamp, n.checkLinks, n.checkSelectors,
		n.checkValueSize, n.checkSigned, n.checkContents} {
		if err := rule(r); err != nil {
			return err
		}
	}
	return nil
}

// CheckComposed returns an error unless [Network.Compose] could have made the record of this draft,
// whoever did. Whoever signs what another composed must call it first: the signature covers the
// whole record. The composer chooses the links, so a draft without links matches any. A draft with
// timestamp 0 matches any time: the caller looks at that, too.
func (n *Network) CheckComposed(r *Record, d Draft) error {
	switch {
	case r.Type != d.Type:
		return fmt.Errorf("the record is a %s, not a %s", r.Type, d.Type)
	case r.Owner != d.Owner:
		return fmt.Errorf("the record is of owner %s, not of %s", r.Owner, d.Owner)
	case d.Timestamp != 0 && r.Timestamp != d.Timestamp:
		return errors.New("the record has another timestamp")
	case len(d.Links) > 0 && !slices.Equal(r.Links, sortedLinks(d.Links)):
		return errors.New("the record links other records")
	}
	if err := checkPoints(r, d.Names); err != nil {
		return err
	}
	if err := n.checkClaims(r); err != nil {
		return err
	}
	return n.checkPlain(r, d)
}

// checkPoints compares the selectors with names and ordinals, in their order.
func checkPoints(r *Record, names []NamePoint) error {
	want := sortedNames(names)
	if len(r.Selectors) != len(want) {
		return fmt.Errorf("the record has %d selectors, not %d", len(r.Selectors), len(want))
	}
	for i, p := range want {
		if s := r.Selectors[i]; s.Key != p.Name.Selector() || s.Ordinal != p.Ordinal {
			return fmt.Errorf("selector %d of the record is of another name or ordinal", i+1)
		}
	}
	return nil
}

// checkClaims verifies the claims, but not the owner's signature.
func (n *Network) checkClaims(r *Record) error {
	list := n.signatures(r)
	return verifyEach(list[:len(list)-1])
}

// checkPlain opens the record's value and compares it with the draft's.
func (n *Network) checkPlain(r *Record, d Draft) error {
	if err := r.checkValue(n.valueLimit(r.Type)); err != nil {
		return err
	}
	switch {
	case (d.Value == nil) != (r.Header.Value == nil):
		return errors.New("the record has a value where none was asked for, or none where one was")
	case d.Value == nil:
		return nil
	case !r.HasValue():
		return errors.New("the record comes without its value")
	case d.Type != TypeDatum:
		return sameValue(r.value, d.Value)
	}
	mask := d.Mask
	switch {
	case mask == nil && len(d.Names) == 0:
		return errors.New("a value without a selector needs a mask")
	case mask == nil:
		m := d.Names[0].Name.Mask()
		mask = &m
	}
	plain, err := n.Open(*mask, r.SealingOf(), r.value)
	if err != nil {
		return fmt.Errorf("the record's value is not sealed as it should be: %w", err)
	}
	return sameValue(plain, d.Value)
}

func sameValue(got, want []byte) error {
	if !slices.Equal(got, want) {
		return errors.New("the record has another value")
	}
	return nil
}
