package api

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// Why says in one sentence why the first claim won; name is how owners are written.
func (e *Explanation) Why(name func(protocol.Owner) string) string {
	if len(e.Claims) == 0 {
		return ""
	}
	winner := name(e.Claims[0].Owner)
	if len(e.Claims) == 1 {
		return fmt.Sprintf("%s answers: nobody else claims it.", winner)
	}
	beaten := map[protocol.Criterion]int{}
	for _, claim := range e.Claims[1:] {
		beaten[claim.LostBy]++
	}
	var reasons []string
	for _, criterion := range e.Policy {
		if n := beaten[criterion]; n > 0 {
			reasons = append(reasons, whyBy(criterion, n, n == len(e.Claims)-1))
		}
	}
	return fmt.Sprintf("%s answers: %s.", winner, strings.Join(reasons, ", and "))
}

// whyBy words what a criterion says of the winner compared with the n claims that lost by it.
func whyBy(criterion protocol.Criterion, n int, all bool) string {
	others := fmt.Sprintf("%d others", n)
	switch {
	case all && n == 1:
		others = "the other"
	case all:
		others = "all others"
	case n == 1:
		others = "1 other"
	}
	return criterion.Won(others)
}
