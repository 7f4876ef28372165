package main

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// decisive marks the value that decided against a claim.
const decisive = " ✗"

// explanations writes for each answer what the criteria say of every claim, and in one sentence why
// the first one won.
func explanations(answers []answer, width int) string {
	blocks := make([]string, len(answers))
	for i := range answers {
		blocks[i] = answers[i].explained(width)
	}
	return strings.Join(blocks, "\n")
}

func (a *answer) explained(width int) string {
	e := a.explanation
	rows := [][]string{explanationHead(e.Policy)}
	for i := range e.Claims {
		rows = append(rows, a.claimRow(i))
	}
	cutLast(rows, width)
	return fmt.Sprintf("%s: %s, compared by %s\n%s%s\n", text.Printable(written(a.selectors)), a.claimCount(), e.Policy, table(rows), a.reason())
}

func (a *answer) claimCount() string {
	switch listed := len(a.explanation.Claims); {
	case listed < a.claims:
		return fmt.Sprintf("the %d best of %d claims", listed, a.claims)
	case listed == 1:
		return "1 claim"
	default:
		return fmt.Sprintf("%d claims", listed)
	}
}

func explanationHead(policy protocol.Policy) []string {
	head := []string{"OWNER"}
	for _, criterion := range policy {
		head = append(head, strings.ToUpper(string(criterion)))
	}
	return append(head, "VALUE")
}

func (a *answer) claimRow(i int) []string {
	claim := &a.explanation.Claims[i]
	row := []string{shortOwner(claim.Owner)}
	for _, criterion := range a.explanation.Policy {
		cell := criterionText(criterion, claim)
		if claim.LostBy == criterion {
			cell += decisive
		}
		row = append(row, cell)
	}
	return append(row, a.versionOf(i).shown())
}

// versionOf is the record of the i-th claim of an explanation; check has made sure that it is
// there.
func (a *answer) versionOf(i int) revision {
	if i == 0 {
		return a.winner
	}
	return a.others[i-1]
}

func criterionText(criterion protocol.Criterion, claim *api.ClaimInfo) string {
	switch {
	case criterion == protocol.CriterionCertified && claim.Certified && claim.Authority != "":
		return "by " + shorten(text.Printable(claim.Authority), 24)
	case criterion == protocol.CriterionNewest:
		return preciseTime(claim.Timestamp)
	}
	return criterion.Show(&claim.Standing)
}

// preciseTime tells apart what was written within a second.
func preciseTime(ms uint64) string { return timeOf(ms).Local().Format("2006-01-02 15:04:05.000") }

// reason says in one sentence why the first claim won.
func (a *answer) reason() string {
	e := a.explanation
	winner := shortOwner(e.Claims[0].Owner)
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
			reasons = append(reasons, reasonFor(criterion, n, n == len(e.Claims)-1))
		}
	}
	return fmt.Sprintf("%s answers: %s.", winner, strings.Join(reasons, ", and "))
}

// reasonFor words what a criterion says of the winner compared with the n claims that lost by it.
func reasonFor(criterion protocol.Criterion, n int, all bool) string {
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
