package store

import (
	"container/heap"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// A query about a crowded key searches best first. For each row it knows the best that the claim
// can be under the reader's policy. The row says all of that, with its bound for the weight. The
// rows of each rank come in that order from an index. The search takes the claim that can be best,
// measures it, and puts it back, until one that is measured cannot be beaten. So the result is that
// of ranking all claims, under every policy. How many claims it measures depends on how far the
// bounds are above the weights.

// ranked answers for a crowded key. It reports false where the rows do not tell: then all claims
// have to be ranked.
func (x *search) ranked(k keyMatch) (a Answer, answered bool, err error) {
	w, err := x.newWalk(k)
	if err != nil || w == nil {
		return Answer{}, false, err
	}
	x.rowsUsed++
	before := x.budget
	claims, err := w.best()
	if errors.Is(err, ErrTooBroad) && w.key.claims < rankedClaims {
		x.budget = before
		return Answer{}, false, nil
	}
	return Answer{Claims: claims, Total: int(w.key.claims)}, true, err
}

// walk is a search for the best claims on a crowded key.
type walk struct {
	*ranking
	key      *crowdedKey
	heap     contest
	byWeight bool // the policy asks for the weight, before it asks for the newest
	byOracle bool
	byFirst  bool
	total    int64 // the work of all records that the transaction shows
	// firstsKnown says that all claims which are first are in the heap.
	firstsKnown bool
	// high counts rows of each rank whose bounds were far too high.
	high map[int64]int
	rows []*ranks
}

// newWalk returns nil where the rows of the key do not tell the answer.
func (x *search) newWalk(k keyMatch) (*walk, error) {
	if !x.byRows || x.ranker.noneCrowded.Load() || x.query.Open || x.owners != nil || x.query.Since > 0 || x.query.Until > 0 {
		return nil, nil
	}
	id, ok := x.compositeID(k)
	if !ok {
		return nil, nil
	}
	key := crowdedKey{composite: k.composite, id: id}
	found, err := x.one(func(r *rows) { key.number, key.claims, key.built = r.int(0), r.int(1), r.int(2) },
		"SELECT number, claims, built FROM crowded WHERE id = ?", id[:])
	if err != nil || !found || key.built < complete {
		return nil, err
	}
	k.id = &key.id
	w := &walk{ranking: &ranking{search: x, keyMatch: k}, key: &key, high: map[int64]int{}}
	for _, by := range x.policy {
		switch by {
		case protocol.CriterionWeight:
			w.byWeight = true
		case protocol.CriterionLocal:
			w.byFirst = true
		case protocol.CriterionOracles:
			w.byOracle = len(x.oracles) > 0
		case protocol.CriterionCertified:
			if len(x.query.Authorities) > 0 {
				return nil, nil
			}
		case protocol.CriterionNewest:
		default: // the rows hold nothing that it compares
			return nil, nil
		}
		if by == protocol.CriterionNewest {
			break
		}
	}
	if usable, err := w.usable(); err != nil || !usable {
		return nil, err
	}
	attached, err := x.number("SELECT attached FROM meta")
	if err != nil {
		return nil, err
	}
	w.upTo = int(attached)
	w.total = int64(min(x.dag.WorkUpTo(w.upTo), math.MaxInt64))
	return w, nil
}

// compositeID returns the composite ID of a candidate without further selectors. It is not known
// where two keys of the query have the same prefix.
func (x *search) compositeID(k keyMatch) (id protocol.CompositeID, ok bool) {
	points := make([]protocol.SelectorPoint, 0, len(k.points))
	for _, p := range k.points {
		var key *protocol.SelectorKey
		for i := range x.query.Where {
			have := &x.query.Where[i].Key
			if prefix(have[:]) != p.key {
				continue
			}
			if key != nil && *key != *have {
				return id, false
			}
			key = have
		}
		if key == nil {
			return id, false
		}
		points = append(points, protocol.SelectorPoint{Key: *key, Ordinal: p.ordinal})
	}
	return protocol.CompositeOf(points), true
}

// usable reports whether the rows are up to date as regards what the query asks for.
func (w *walk) usable() (bool, error) {
	if w.byOracle {
		elected, err := w.electedOracles()
		if err != nil || !slices.Equal(elected, sortedOwners(w.oracles)) {
			return false, err
		}
	}
	left, err := w.one(nil, "SELECT 1 FROM rank_jobs WHERE ? OR issuer IS NOT NULL LIMIT 1", w.byOracle)
	if err != nil || left {
		return false, err
	}
	if !w.byFirst && !w.query.Explain {
		return true, nil
	}
	unknown, err := w.one(nil, "SELECT 1 FROM claims WHERE crowd = ? AND late = ? LIMIT 1", w.key.number, int64(unknownSight))
	if err != nil || unknown {
		return false, err
	}
	all := noneSeen
	for late, into := range []*int64{&all.onTime, &all.late} {
		if _, err := w.one(func(r *rows) { *into = r.int(0) }, "SELECT seen FROM claims WHERE crowd = ? AND late = ? ORDER BY seen LIMIT 1",
			w.key.number, int64(late)); err != nil {
			return false, err
		}
	}
	w.earliestSeen = &all
	return true, nil
}

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
func (h *contest) Push(c any)   { *h = append(*h, c.(*contestant)) }
func (h *contest) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}

// ranks are the rows of one rank, in the order of an index.
type ranks struct {
	set *rows
}

// best returns the best claim, or as many as are listed.
func (w *walk) best() (claims []Claim, err error) {
	defer func() {
		for _, r := range w.rows {
			r.set.close()
		}
		for rank, n := range w.high {
			if n > staleRows {
				w.ranker.refresh(staleRank{w.key.number, rank})
			}
		}
	}()
	if err := w.start(); err != nil {
		return nil, err
	}
	count := 1
	if w.query.History || w.query.Explain {
		count = w.listed
	}
	var best *contestant
	for len(w.heap) > 0 && len(claims) < count {
		c := w.heap[0]
		if c.source == nil && c.measured == loaded {
			heap.Pop(&w.heap)
			if best == nil {
				best = c
			}
			claim, err := w.finish(c, best)
			if err != nil {
				return nil, err
			}
			claims = append(claims, *claim)
			continue
		}
		if err := w.step(c); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// step finds out more about the contestant on top.
func (w *walk) step(c *contestant) (err error) {
	switch {
	case c.source != nil:
		heap.Pop(&w.heap)
		if err := w.pull(c.source); err != nil {
			return err
		}
		if c.standing.First = w.isFirst(&c.row); c.standing.First && w.firstsKnown {
			return nil // it is in the heap
		}
		c.source = nil
		heap.Push(&w.heap, c)
		return nil
	case c.measured == unmeasured && w.byWeight:
		w.careful = c.row.careful == 1
		if err := w.weighOn(c); err != nil {
			return err
		}
	default:
		if err := w.measureNewest(&c.candidate); err != nil {
			return err
		}
		c.known |= bitOf(protocol.CriterionNewest)
		c.measured = loaded
	}
	heap.Fix(&w.heap, 0)
	return nil
}

// weighOn takes a step to find a contestant's weight.
func (w *walk) weighOn(c *contestant) (err error) {
	if c.weighing != nil {
		err = c.weighing.step()
	} else if c.weighing, err = w.newWeighing(&c.candidate); err == nil && c.row.quiet == 0 && c.weighing.most < c.standing.Weight {
		w.high[c.row.rank]++
	}
	if err != nil {
		return err
	}
	if c.standing.Weight = min(c.standing.Weight, c.weighing.most); !c.weighing.done() {
		return nil
	}
	c.known |= bitOf(protocol.CriterionWeight)
	c.measured = weighed
	return nil
}

// start puts the first row of each rank into the heap, and the claims that are first where the
// policy asks and they are few.
func (w *walk) start() error {
	if w.byFirst {
		if err := w.addFirsts(); err != nil {
			return err
		}
	}
	for rank, ok, err := w.rankBelow(math.MaxInt64); ok || err != nil; rank, ok, err = w.rankBelow(rank) {
		if err != nil {
			return err
		}
		if !w.byWeight {
			err = w.open("SELECT "+claimColumns+" FROM claims INDEXED BY claims_newest WHERE crowd = ? AND rank = ? ORDER BY timestamp DESC, hash DESC", w.key.number, rank)
			if err != nil {
				return err
			}
			continue
		}
		for quiet := range int64(2) {
			if err := w.open("SELECT "+claimColumns+` FROM claims INDEXED BY claims_weight WHERE crowd = ? AND rank = ? AND quiet = ?
				ORDER BY lead DESC, timestamp DESC, hash DESC`, w.key.number, rank, quiet); err != nil {
				return err
			}
		}
	}
	return nil
}

// rankBelow returns the best rank below one that a claim has.
func (w *walk) rankBelow(below int64) (rank int64, ok bool, err error) {
	if err := w.spend(1); err != nil {
		return 0, false, err
	}
	ok, err = w.one(func(r *rows) { rank = r.int(0) }, `SELECT rank FROM claims INDEXED BY claims_newest WHERE crowd = ? AND rank < ? AND rank >= 0
		ORDER BY rank DESC LIMIT 1`, w.key.number, below)
	return rank, ok, err
}

func (w *walk) open(sql string, args ...int64) error {
	set, err := w.conn.query(sql, integers(args)...)
	if err != nil {
		return err
	}
	r := &ranks{set}
	w.rows = append(w.rows, r)
	return w.pull(r)
}

// pull puts the next row of a rank into the heap, as one that may be first.
func (w *walk) pull(from *ranks) error {
	if err := w.spend(1); err != nil {
		return err
	}
	ok, err := from.set.next()
	if err != nil || !ok {
		return err
	}
	c := w.contestant(from.set)
	c.source, c.standing.First = from, w.byFirst && !w.firstsKnown
	heap.Push(&w.heap, c)
	return nil
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

// addFirsts puts the claims that are first into the heap, unless one would have to look at many.
func (w *walk) addFirsts() error {
	looked := 0
	var found []*contestant
	for late := range int64(2) {
		err := w.each(func(r *rows) error {
			c := w.contestant(r)
			if looked++; looked > firstsEnumerated {
				return errStop
			}
			if w.isFirst(&c.row) {
				c.standing.First = true
				found = append(found, c)
			}
			return w.spend(1)
		}, "SELECT "+claimColumns+" FROM claims INDEXED BY claims_seen WHERE crowd = ? AND late = ? AND seen <= ? ORDER BY seen", w.key.number, late, w.earliestSeen.onTime)
		if errors.Is(err, errStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	w.firstsKnown = true
	for _, c := range found {
		heap.Push(&w.heap, c)
	}
	return nil
}

// finish finds out what is asked of a claim that is listed.
func (w *walk) finish(c, best *contestant) (*Claim, error) {
	w.careful = c.row.careful == 1
	if w.earliestSeen != nil {
		c.firstSeen = c.row.firstSeen()
		c.standing.First = w.earliestSeen.isFirst(c.firstSeen)
		c.known |= bitOf(protocol.CriterionLocal)
	}
	if slices.Contains(w.policy, protocol.CriterionCertified) {
		// who certifies it
		if err := w.measure(&c.candidate, protocol.CriterionCertified); err != nil {
			return nil, err
		}
	}
	if w.query.History || w.query.Explain {
		if err := w.complete(&c.candidate); err != nil {
			return nil, err
		}
	}
	c.claim.Standing = c.standing
	if c != best {
		_, c.claim.LostBy = w.policy.Compare(&best.standing, &c.standing)
	}
	return c.claim, nil
}
