package store

import (
	"github.com/lf-store/lf/protocol"
)

// contestant is a claim as far as it is known. A criterion that was not measured has the best value
// that is possible.
type contestant struct {
	candidate
	row      claimRow
	policy   protocol.Policy
	measured int
	weighing *weighing // while its weight is not known
	source   *ranks    // not nil: the next row there, which was not looked at yet
}

// How far a contestant is measured.
const (
	unmeasured = iota
	weighed
	loaded
)

// contest is a heap of contestants, the one that can be best on top.
type contest []*contestant

func (h contest) Len() int { return len(h) }

func (h contest) Less(i, j int) bool {
	if d, _ := h[i].policy.Compare(&h[i].standing, &h[j].standing); d != 0 {
		return d > 0
	}
	return h[i].measured > h[j].measured
}

func (h contest) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *contest) Push(c any) { *h = append(*h, c.(*contestant)) }

func (h *contest) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}

// contestant reads a row.
func (w *walk) contestant(r *rows) *contestant {
	c := &contestant{policy: w.policy}
	c.row.read(r)
	c.owner = c.row.owner
	c.versions = []version{{c.row.timestamp, c.row.idx, false}}
	certified, objections := readRank(c.row.rank)
	c.standing = protocol.Standing{Certified: certified, Timestamp: uint64(c.row.timestamp)}
	if w.byOracle {
		c.standing.Elected, c.standing.Objections = len(w.oracles), objections
		c.known |= bitOf(protocol.CriterionOracles)
	}
	if w.byWeight {
		c.standing.Weight = uint64(c.row.bound(w.total))
	}
	rest := c.standing.SignedHash[copy(c.standing.SignedHash[:], prefixBytes(c.row.hash)):]
	for i := range rest {
		rest[i] = 0xff
	}
	return c
}

// isFirst reports whether a claim is first, where the policy asks.
func (w *walk) isFirst(row *claimRow) bool {
	return w.byFirst && w.earliestSeen.isFirst(row.firstSeen())
}
