package store

import (
	"container/heap"
	"slices"

	"github.com/lf-store/lf/protocol"
)

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
	if w.query.History || w.query.explainsCrowds() {
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
	if w.query.History || w.query.explainsCrowds() {
		if err := w.complete(&c.candidate, w.query.explainsCrowds()); err != nil {
			return nil, err
		}
	}
	c.claim.Standing = c.standing
	if c != best {
		_, c.claim.LostBy = w.policy.Compare(&best.standing, &c.standing)
	}
	return c.claim, nil
}
