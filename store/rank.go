package store

import (
	"cmp"
	"slices"
)

// Ranker orders the claims of different owners under one composite key, the best first. Its order must be total, and a
// function of the attached records alone where two nodes are to agree. It may be called from several goroutines.
type Ranker interface {
	Rank(claims []Claim)
}

// Newest ranks by the newest version's timestamp, then by its ID.
type Newest struct{}

// Rank sorts the claims, the newest first.
func (Newest) Rank(claims []Claim) {
	slices.SortFunc(claims, func(a, b Claim) int { return compareVersions(b.Version, a.Version) })
}

// compareVersions orders by timestamp, then by ID.
func compareVersions(a, b Version) int {
	return cmp.Or(cmp.Compare(a.Record.Timestamp, b.Record.Timestamp), compareID(a.Record, b.Record))
}
