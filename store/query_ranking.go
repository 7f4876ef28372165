package store

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// decide ranks the claims. Where only the best is asked for, criteria are looked at one after the
// other, each only for the claims that are still equal, and for a claim that is alone none.
func (h *hearing) decide() ([]Claim, error) {
	if h.query.History || h.query.Explain {
		return h.list()
	}
	best, err := h.best()
	if err != nil {
		return nil, err
	}
	best.claim.Standing = best.standing
	return []Claim{*best.claim}, nil
}

func (h *hearing) best() (*contender, error) {
	left := h.contenders
	for _, by := range h.policy {
		if len(left) == 1 {
			break
		}
		if by == protocol.CriterionNewest {
			left = newest(left)
		}
		if len(left) > 1 {
			if err := h.measureAll(left, by); err != nil {
				return nil, err
			}
			left = bestBy(left, by)
		}
	}
	return left[0], h.load(left[0])
}

// newest returns the claims with the newest timestamp, which the index tells without the records.
func newest(list []*contender) []*contender {
	latest := slices.MaxFunc(list, func(a, b *contender) int { return int(min(1, max(-1, a.timestamp()-b.timestamp()))) }).timestamp()
	return slices.Collect(func(yield func(*contender) bool) {
		for _, c := range list {
			if c.timestamp() == latest && !yield(c) {
				return
			}
		}
	})
}

// bestBy returns the claims that are best by one criterion.
func bestBy(list []*contender, by protocol.Criterion) (best []*contender) {
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
	return best
}

// list ranks all claims and returns the first, with what is asked of them: history, or all that the
// criteria say.
func (h *hearing) list() ([]Claim, error) {
	for _, by := range h.policy {
		if err := h.measureAll(h.contenders, by); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(h.contenders, func(a, b *contender) int {
		d, _ := h.policy.Compare(&b.standing, &a.standing)
		return d
	})
	var claims []Claim
	for _, c := range h.contenders[:min(len(h.contenders), h.listed)] {
		if err := h.complete(c); err != nil {
			return nil, err
		}
		if best := h.contenders[0]; c != best {
			_, c.claim.LostBy = h.policy.Compare(&best.standing, &c.standing)
		}
		claims = append(claims, *c.claim)
	}
	return claims, nil
}

// complete finds out what is asked of a claim that is listed.
func (h *hearing) complete(c *contender) error {
	if h.query.Explain {
		for _, by := range everyCriterion {
			if err := h.measure(c, by); err != nil {
				return err
			}
		}
		c.claim.Seen = uint64(c.sight.seen / 1000)
	}
	c.claim.Standing = c.standing
	if h.query.History {
		return h.history(c)
	}
	return nil
}

var everyCriterion = protocol.Policy(protocol.Criteria())

func (h *hearing) measureAll(list []*contender, by protocol.Criterion) error {
	if err := h.measureCrowd(list, by); err != nil {
		return err
	}
	for _, c := range list {
		if err := h.measure(c, by); err != nil {
			return err
		}
	}
	return nil
}
