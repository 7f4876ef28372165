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
	if !w.byFirst && !w.query.explainsCrowds() {
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

// ranks are the rows of one rank, in the order of an index.
type ranks struct {
	set *rows
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
