package protocol

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Criterion is one way to tell the better of two claims.
type Criterion string

// The criteria (section "Queries" of SPEC.md).
const (
	CriterionCertified Criterion = "certified" // an authority certifies the claim's owner
	CriterionOracles   Criterion = "oracles"   // how many of the elected oracles do not object
	CriterionWeight    Criterion = "weight"    // the weight of the claim's heaviest version
	CriterionLocal     Criterion = "local"     // this node saw it first
	// timestamp, then signed hash: the end of every policy
	CriterionNewest Criterion = "newest"
)

var criteria = []Criterion{CriterionCertified, CriterionOracles, CriterionWeight, CriterionLocal, CriterionNewest}

// Policy ranks the claims of several owners under one composite key: criteria that are compared one
// after the other until one decides. It is the reader's choice.
type Policy []Criterion

// DefaultPolicy is the policy of who names none. Nodes that hold the same records agree on it.
func DefaultPolicy() Policy {
	return Policy{CriterionCertified, CriterionOracles, CriterionWeight, CriterionNewest}
}

// ParsePolicy reads criteria with commas between them, and checks them.
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	for word := range strings.SplitSeq(text, ",") {
		p = append(p, Criterion(strings.TrimSpace(word)))
	}
	return p, p.Check()
}

// Check says what is wrong with the policy, nil if nothing is.
func (p Policy) Check() error {
	if len(p) == 0 {
		return fmt.Errorf("a policy names at least one criterion out of %s", Policy(criteria))
	}
	for i, c := range p {
		switch {
		case !slices.Contains(criteria, c):
			return fmt.Errorf("no such criterion in a policy: %q; there are %s", string(c), Policy(criteria))
		case slices.Contains(p[:i], c):
			return fmt.Errorf("the policy names %s twice", c)
		}
	}
	return nil
}

// Total returns the policy with newest at its end, unless it is in it already: so every order is
// total.
func (p Policy) Total() Policy {
	if slices.Contains(p, CriterionNewest) {
		return p
	}
	return append(slices.Clone(p), CriterionNewest)
}

func (p Policy) String() string {
	words := make([]string, len(p))
	for i, c := range p {
		words[i] = string(c)
	}
	return strings.Join(words, ",")
}

// Standing is what the criteria know of a claim. Timestamp and SignedHash are those of the version
// that answers for it.
type Standing struct {
	Certified           bool
	Elected, Objections int // the reader's oracles, and how many of them object
	Weight              uint64
	First               bool
	Timestamp           uint64
	SignedHash          [32]byte
}

// Compare returns more than 0 when a is the better claim, less when b is, and the criterion that
// tells them apart: none where they are equal in all, down to the signed hash, which is then the
// same claim.
func (p Policy) Compare(a, b *Standing) (int, Criterion) {
	for _, c := range p {
		if d := c.compare(a, b); d != 0 {
			return d, c
		}
	}
	if d := CriterionNewest.compare(a, b); d != 0 {
		return d, CriterionNewest
	}
	return 0, ""
}

func (c Criterion) compare(a, b *Standing) int {
	switch c {
	case CriterionCertified:
		return compareBool(a.Certified, b.Certified)
	case CriterionOracles:
		return cmp.Compare(a.Elected-a.Objections, b.Elected-b.Objections)
	case CriterionWeight:
		return cmp.Compare(a.Weight, b.Weight)
	case CriterionLocal:
		return compareBool(a.First, b.First)
	case CriterionNewest:
		return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(a.SignedHash[:], b.SignedHash[:]))
	}
	return 0
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
