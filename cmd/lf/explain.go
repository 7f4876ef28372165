package main

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// decisive marks the value that decided against a claim.
const decisive = " ✗"

// explanations writes for each answer what the criteria say of every claim, and in one sentence why
// the first one won.
func explanations(answers []*lf.Answer, width int) string {
	blocks := make([]string, len(answers))
	for i, a := range answers {
		blocks[i] = explained(a, width)
	}
	return strings.Join(blocks, "\n")
}

func explained(a *lf.Answer, width int) string {
	e := a.Explanation
	rows := [][]string{explanationHead(e.Policy)}
	for i := range e.Claims {
		rows = append(rows, claimRow(a, i))
	}
	cutLast(rows, width)
	return fmt.Sprintf("%s: %s, compared by %s\n%s%s\n", text.Printable(a.Key.String()), claimCount(a), e.Policy, table(rows), e.Why(shortOwner))
}

func claimCount(a *lf.Answer) string {
	switch listed := len(a.Explanation.Claims); {
	case listed < a.Claims:
		return fmt.Sprintf("the %d best of %d claims", listed, a.Claims)
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

func claimRow(a *lf.Answer, i int) []string {
	claim := &a.Explanation.Claims[i]
	row := []string{shortOwner(claim.Owner)}
	for _, criterion := range a.Explanation.Policy {
		cell := criterionText(criterion, claim)
		if claim.LostBy == criterion {
			cell += decisive
		}
		row = append(row, cell)
	}
	return append(row, shownVersion(a.ClaimOf(i)))
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
func preciseTime(ms uint64) string { return text.TimeOf(ms).Local().Format("2006-01-02 15:04:05.000") }
