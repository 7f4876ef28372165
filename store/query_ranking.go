package store

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// decide ranks the claims. Where only the best is asked for, it looks at one criterion after the
// other, each only for the claims that are still equal. For a claim that is alone it looks at none.
func (rk *ranking) decide() ([]Claim, error) {
	if rk.query.History || rk.query.explains(len(rk.candidates)) {
		return rk.list()
	}
	best, err := rk.best()
	if err != nil {
		return nil, err
	}
	best.claim.Standing = best.standing
	return []Claim{*best.claim}, nil
}

func (rk *ranking) best() (*candidate, error) {
	left := rk.candidates
	for _, by := range rk.policy {
		if len(left) == 1 {
			break
		}
		if by == protocol.CriterionNewest {
			left = newest(left)
		}
		if len(left) > 1 {
			var err error
			if left, err = rk.bestBy(left, by); err != nil {
				return nil, err
			}
		}
	}
	return left[0], rk.load(left[0])
}

// newest returns the claims with the newest timestamp, which the index tells without the records.
func newest(list []*candidate) []*candidate {
	latest := slices.MaxFunc(list, func(a, b *candidate) int { return int(min(1, max(-1, a.timestamp()-b.timestamp()))) }).timestamp()
	return slices.Collect(func(yield func(*candidate) bool) {
		for _, c := range list {
			if c.timestamp() == latest && !yield(c) {
				return
			}
		}
	})
}

// bestBy returns the claims that are best by one criterion.
func (rk *ranking) bestBy(list []*candidate, by protocol.Criterion) (best []*candidate, err error) {
	if by == protocol.CriterionWeight {
		return rk.heaviest(list)
	}
	if err := rk.measureAll(list, by); err != nil {
		return nil, err
	}
	only := protocol.Policy{by}
	for _, c := range list {
		if len(best) > 0 {
			switch d, decided := only.Compare(&c.standing, &best[0].standing); {
			case decided != by: // equal; Compare goes on to the newest
			case d < 0:
				continue
			case d > 0:
				best = best[:0]
			}
		}
		best = append(best, c)
	}
	return best, nil
}

// list ranks all claims and returns the first, with what is asked of them: history, or all that the
// criteria say.
func (rk *ranking) list() ([]Claim, error) {
	for _, by := range rk.policy {
		if err := rk.measureAll(rk.candidates, by); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rk.candidates, func(a, b *candidate) int {
		d, _ := rk.policy.Compare(&b.standing, &a.standing)
		return d
	})
	var claims []Claim
	for _, c := range rk.candidates[:min(len(rk.candidates), rk.listed)] {
		if err := rk.complete(c, rk.query.explains(len(rk.candidates))); err != nil {
			return nil, err
		}
		if best := rk.candidates[0]; c != best {
			_, c.claim.LostBy = rk.policy.Compare(&best.standing, &c.standing)
		}
		claims = append(claims, *c.claim)
	}
	return claims, nil
}

// complete finds out what is asked of a claim that is listed.
func (rk *ranking) complete(c *candidate, explain bool) error {
	if explain {
		for _, by := range everyCriterion {
			if err := rk.measure(c, by); err != nil {
				return err
			}
		}
		c.claim.Seen = uint64(c.firstSeen.seen / 1000)
		if rk.query.Prove {
			if err := rk.prove(c); err != nil {
				return err
			}
		}
	}
	c.claim.Standing = c.standing
	if rk.query.History {
		return rk.history(c)
	}
	return nil
}

var everyCriterion = protocol.Policy(protocol.Criteria())

func (rk *ranking) measureAll(list []*candidate, by protocol.Criterion) error {
	if err := rk.measureMany(list, by); err != nil {
		return err
	}
	for _, c := range list {
		if err := rk.measure(c, by); err != nil {
			return err
		}
	}
	return nil
}
