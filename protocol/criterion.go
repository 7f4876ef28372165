package protocol

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Criterion names one way to tell the better of two claims.
type Criterion string

// The criteria (section "Queries" of SPEC.md).
const (
	CriterionCertified Criterion = "certified"
	CriterionOracles   Criterion = "oracles"
	CriterionWeight    Criterion = "weight"
	CriterionLocal     Criterion = "local"
	CriterionNewest    Criterion = "newest" // the end of every policy
)

// A criterionRow is all that LF says about a criterion. Policies, help texts, the completion of the
// shell, the API's description and explanations read it; so a new criterion is a new row.
type criterionRow struct {
	name Criterion
	// help completes "a claim is better if …".
	help string
	// won tells why the better claim won; %s stands for those that lost by this criterion.
	won string
	// show writes what the criterion compares of one claim.
	show func(*Standing) string
	// compare returns more than 0 when a is the better claim, less when b is.
	compare func(a, b *Standing) int
}

// criteria is the table of criteria, in the order in which lists of them are shown.
var criteria = []criterionRow{
	{
		name:    CriterionCertified,
		help:    "its owner had a valid certificate of a trusted CA when it wrote, not revoked since",
		won:     "its owner is certified, unlike %s",
		show:    func(s *Standing) string { return choose(s.Certified, "yes", "no") },
		compare: func(a, b *Standing) int { return compareBool(a.Certified, b.Certified) },
	},
	{
		name: CriterionOracles,
		help: "fewer of the oracles that you elected object to it",
		won:  "fewer of the elected oracles object to it than to %s",
		show: func(s *Standing) string {
			return choose(s.Elected == 0, "none elected", fmt.Sprintf("%d of %d object", s.Objections, s.Elected))
		},
		compare: func(a, b *Standing) int { return cmp.Compare(a.Elected-a.Objections, b.Elected-b.Objections) },
	},
	{
		name:    CriterionWeight,
		help:    "more proof of work is stacked on it: its own and that of all records that build on it",
		won:     "it has more weight than %s",
		show:    func(s *Standing) string { return strconv.FormatUint(s.Weight, 10) },
		compare: func(a, b *Standing) int { return cmp.Compare(a.Weight, b.Weight) },
	},
	{
		name:    CriterionLocal,
		help:    "the node saw no earlier claim of another owner; nodes differ in this",
		won:     "this node saw it before %s",
		show:    func(s *Standing) string { return choose(s.First, "seen first", "seen later") },
		compare: func(a, b *Standing) int { return compareBool(a.First, b.First) },
	},
	{
		name: CriterionNewest,
		help: "it has the later timestamp; newest ends every policy, even if you leave it out",
		won:  "it is newer than %s",
		show: func(s *Standing) string { return strconv.FormatUint(s.Timestamp, 10) },
		compare: func(a, b *Standing) int {
			return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(a.SignedHash[:], b.SignedHash[:]))
		},
	},
}

// Standing is what the criteria compare of a claim. Timestamp and SignedHash are those of the
// version that answers for it.
type Standing struct {
	Timestamp  uint64   `json:"timestamp" doc:"of the claim's newest version, ms since the Unix epoch"`
	SignedHash [32]byte `json:"-"`
	Certified  bool     `json:"certified" doc:"certified: whether the owner had a valid certificate then, and has not lost it"`
	Elected    int      `json:"elected" doc:"oracles: how many oracles were asked"`
	Objections int      `json:"objections" doc:"oracles: how many of them object"`
	Weight     uint64   `json:"weight,string" doc:"weight: of the claim's heaviest version"`
	First      bool     `json:"first" doc:"local: whether this node saw no earlier claim of another owner"`
}

// Criteria returns all criteria.
func Criteria() []Criterion {
	names := make([]Criterion, len(criteria))
	for i := range criteria {
		names[i] = criteria[i].name
	}
	return names
}

// Help completes the sentence "a claim is better if …".
func (c Criterion) Help() string {
	if row := c.row(); row != nil {
		return row.help
	}
	return ""
}

// Won says in a clause why a claim won against others by this criterion, as in "it has more weight
// than the other".
func (c Criterion) Won(others string) string {
	if row := c.row(); row != nil {
		return fmt.Sprintf(row.won, others)
	}
	return fmt.Sprintf("it is better by %q than %s", string(c), others)
}

// Show writes what this criterion compares of a claim, in a few characters.
func (c Criterion) Show(s *Standing) string {
	if row := c.row(); row != nil {
		return row.show(s)
	}
	return "?"
}

// row returns the criterion's row of the table, nil if there is no such criterion.
func (c Criterion) row() *criterionRow {
	if i := slices.IndexFunc(criteria, func(r criterionRow) bool { return r.name == c }); i >= 0 {
		return &criteria[i]
	}
	return nil
}

// compare finds claims equal by a criterion that does not exist: [Policy.Check] refuses it before.
func (c Criterion) compare(a, b *Standing) int {
	if row := c.row(); row != nil {
		return row.compare(a, b)
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

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
