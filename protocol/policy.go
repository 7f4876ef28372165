package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// Policy ranks the claims of several owners under one composite key. Its criteria are compared one
// after the other until one decides. It is the reader's choice.
type Policy []Criterion

// DefaultPolicy is the policy of a reader without another choice. Nodes that hold the same records
// give the same answer under it.
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
		return fmt.Errorf("a policy names at least one criterion out of %s", Policy(Criteria()))
	}
	for i, c := range p {
		switch {
		case c.row() == nil:
			return fmt.Errorf("no such criterion in a policy: %q; there are %s", string(c), Policy(Criteria()))
		case slices.Contains(p[:i], c):
			return fmt.Errorf("the policy names %s twice", c)
		}
	}
	return nil
}

// Total returns the policy with newest at its end, unless it has newest already. Under the result
// no two claims are equal.
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

// Compare returns more than 0 when a is the better claim, less when b is, and the criterion that
// tells them apart. Claims that no criterion tells apart have one signed hash: they are the same
// claim.
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
