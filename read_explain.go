package lf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// listedClaims is how many claims an answer lists at most.
const listedClaims = 100

// checkTrust makes sure that the node ranked by what it was asked to rank by.
func (r *reader) checkTrust(result *api.QueryResult) error {
	if r.policy != nil && !slices.Equal(result.Policy, r.policy.Total()) {
		return fmt.Errorf("it ranked by %q, and was asked for %q", result.Policy, r.policy.Total())
	}
	if r.oracles != nil && !sameOracles(result.Oracles, r.oracles) {
		return errors.New("it counted other oracles than those it was asked about")
	}
	return nil
}

func sameOracles(used, asked []protocol.Owner) bool {
	for _, o := range used {
		if !slices.Contains(asked, o) {
			return false
		}
	}
	for _, o := range asked {
		if !slices.Contains(used, o) {
			return false
		}
	}
	return true
}

// checkExplanation makes sure that an explanation agrees with itself and with the records beside
// it. Each claim in it is a record which really exists, and by the values that it states the winner
// is the best under the policy. The values themselves (weights, objections, certificates,
// what the node saw first) only a node can know.
func (r *reader) checkExplanation(a *Answer, result *api.QueryResult) error {
	e := a.Explanation
	switch {
	case e == nil:
		return errors.New("it was asked to explain, and did not")
	case !slices.Equal(e.Policy, result.Policy):
		return fmt.Errorf("it explains by %q what it ranked by %q", e.Policy, result.Policy)
	case e.Policy.Check() != nil || e.Policy[len(e.Policy)-1] != protocol.CriterionNewest:
		return fmt.Errorf("policy %q leaves claims undecided", e.Policy)
	case len(e.Claims) != 1+len(a.Others):
		return fmt.Errorf("it explains %d claims and shows the records of %d", len(e.Claims), 1+len(a.Others))
	case a.Claims < len(e.Claims) || (a.Claims > len(e.Claims) && len(e.Claims) < listedClaims):
		return fmt.Errorf("it explains %d claims and counts %d", len(e.Claims), a.Claims)
	}
	standings := make([]protocol.Standing, len(e.Claims))
	for i := range e.Claims {
		s, err := r.standing(&e.Claims[i], a.ClaimOf(i).record, len(result.Oracles))
		if err != nil {
			return err
		}
		standings[i] = s
	}
	return checkOrder(e, standings)
}

// standing compares a claim with its record and returns what the criteria go by.
func (r *reader) standing(claim *api.ClaimInfo, record *protocol.Record, oracles int) (s protocol.Standing, err error) {
	switch {
	case claim.Record != record.ID() || claim.Owner != record.Owner || claim.Timestamp != record.Timestamp || claim.Deleted != record.Tombstone():
		return s, fmt.Errorf("what it says of the claim of %s is not what is in record %s", claim.Owner, record.ID())
	case claim.Elected != oracles || claim.Objections < 0 || claim.Objections > claim.Elected:
		return s, fmt.Errorf("of %d oracles, %d of %d are said to object to the claim of %s", oracles, claim.Objections, claim.Elected, claim.Owner)
	case claim.Weight < max(1, uint64(record.Effort())):
		return s, fmt.Errorf("the claim of %s is said to weigh %d, less than its own record", claim.Owner, claim.Weight)
	}
	s = claim.Standing
	s.SignedHash = record.SignedHash()
	return s, nil
}

// checkOrder makes sure that claims stand in the order that the policy gives them, each with what
// decided against it.
func checkOrder(e *api.Explanation, standings []protocol.Standing) error {
	decided := protocol.Criterion("")
	for i := range e.Claims {
		by := protocol.Criterion("")
		if i > 0 {
			if better, _ := e.Policy.Compare(&standings[i-1], &standings[i]); better <= 0 {
				return fmt.Errorf("under policy %q, the claim of %s is better than that of %s, which it puts first", e.Policy, e.Claims[i].Owner, e.Claims[i-1].Owner)
			}
			_, by = e.Policy.Compare(&standings[0], &standings[i])
		}
		if e.Claims[i].LostBy != by {
			return fmt.Errorf("the claim of %s is said to have lost by %q, and by its values it lost by %q", e.Claims[i].Owner, e.Claims[i].LostBy, by)
		}
		if i == 1 {
			decided = by
		}
	}
	if e.Decided != decided {
		return fmt.Errorf("it says that %q decided, and by its values %q did", e.Decided, decided)
	}
	e.Reason = e.Why(protocol.Owner.String) // in our words, whatever the node's were
	return nil
}
