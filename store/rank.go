package store

import (
	"bytes"
	"cmp"
	"slices"
)

// Ranker orders the claims of different owners under one composite key, the best first. Its order must be total, and a
// function of the attached records alone where two nodes are to agree. It may be called from several goroutines.
type Ranker interface {
	Rank(claims []Claim)
}

// Newest ranks by the newest version, see compareVersions.
type Newest struct{}

// Rank sorts the claims, the newest first.
func (Newest) Rank(claims []Claim) {
	slices.SortFunc(claims, func(a, b Claim) int { return compareVersions(b.Version, a.Version) })
}

// compareVersions orders by timestamp, then by signed hash, and twins by ID. The signed hash is the owner's own: by ID
// alone, a stranger who pays for a twin could decide again between two owners.
func compareVersions(a, b Version) int {
	if c := cmp.Compare(a.Record.Timestamp, b.Record.Timestamp); c != 0 {
		return c
	}
	x, y := a.Record.SignedHash(), b.Record.SignedHash()
	return cmp.Or(bytes.Compare(x[:], y[:]), a.Record.ID().Compare(b.Record.ID()))
}
