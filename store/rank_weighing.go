package store

import (
	"cmp"
	"container/heap"
	"errors"
	"math"

	"github.com/lf-store/lf/protocol"
)

// A claim's weight is found a step at a time: the search for the heaviest of its roots can take
// thousands of steps, and is often decided before. The next step is always for the claim that can
// be the heaviest. It ends when a weight that is known, or the least that a claim can have, is
// beaten by none of the others.

// weighing is the search for one claim's weight: at least least, at most most.
type weighing struct {
	*candidate
	rk          *ranking
	release     int64
	least, most uint64
	roots       *rootSearch // nil: most is the weight
}

// newWeighing begins to find the weight of a claim's heaviest version, which is one of its roots.
// Where these are few, it finds it.
func (rk *ranking) newWeighing(c *candidate) (*weighing, error) {
	g := &weighing{candidate: c, rk: rk}
	var err error
	if g.release, err = rk.releaseOf(c); err != nil {
		return nil, err
	}
	weight, known, err := rk.weighRoots(c, g.release, rk.rootsRead)
	switch {
	case errors.Is(err, errManyRoots):
		return g, g.search()
	case err == nil && !known:
		return g, g.walk()
	}
	g.know(weight)
	return g, err
}

// errManyRoots says that a claim has more roots than are read.
var errManyRoots = errors.New("a claim with many roots")

func (g *weighing) know(weight uint64) { g.least, g.most, g.roots = weight, weight, nil }

// search begins to look among many roots.
func (g *weighing) search() (err error) {
	g.roots, err = g.rk.newRootSearch(g.candidate, g.release)
	return g.stepped(err)
}

// step takes a weighing on that is not done.
func (g *weighing) step() error { return g.stepped(g.roots.step()) }

// stepped notes what a step found.
func (g *weighing) stepped(err error) error {
	if errors.Is(err, errRowsSilent) {
		return g.readAll()
	}
	if err != nil {
		return err
	}
	if g.least, g.most = g.roots.least, g.roots.most(); len(g.roots.linked) == 0 {
		g.rk.leadsUsed++
		g.know(g.most)
	}
	return nil
}

// readAll looks at all roots. Where those are not kept, or some of them do not count in this query,
// it looks at all of the claim's versions.
func (g *weighing) readAll() error {
	weight, known, err := g.rk.weighRoots(g.candidate, g.release, math.MaxInt)
	if err == nil && !known {
		return g.walk()
	}
	g.know(weight)
	return err
}

func (g *weighing) walk() error {
	heaviest := uint64(0)
	err := g.rk.walk(g.candidate, g.release, func(v version) error {
		heaviest = max(heaviest, g.rk.weight(v.idx))
		return nil
	})
	g.know(heaviest)
	return err
}

func (g *weighing) done() bool { return g.roots == nil }

// measureWeight finds a claim's weight.
func (rk *ranking) measureWeight(c *candidate) error {
	g, err := rk.newWeighing(c)
	if err != nil {
		return err
	}
	for !g.done() {
		if err := g.step(); err != nil {
			return err
		}
	}
	c.standing.Weight = g.most
	return nil
}

// heaviest returns the claims with the greatest weight. Only where there are several it has to know
// that weight.
func (rk *ranking) heaviest(list []*candidate) (best []*candidate, err error) {
	if err := rk.measureMany(list, protocol.CriterionWeight); err != nil {
		return nil, err
	}
	h := make(weighings, 0, len(list))
	for _, c := range list {
		g := &weighing{candidate: c}
		if c.known&bitOf(protocol.CriterionWeight) != 0 {
			g.know(c.standing.Weight)
		} else if g, err = rk.newWeighing(c); err != nil {
			return nil, err
		}
		h = append(h, g)
	}
	heap.Init(&h)
	for len(h) > 0 && (len(best) == 0 || h[0].most >= best[0].standing.Weight) {
		switch g := h[0]; {
		case g.done():
			g.standing.Weight, g.known = g.most, g.known|bitOf(protocol.CriterionWeight)
			best = append(best, g.candidate)
			heap.Pop(&h)
		case len(best) == 0 && g.least > h.second():
			return []*candidate{g.candidate}, nil
		default:
			if err := g.step(); err != nil {
				return nil, err
			}
			heap.Fix(&h, 0)
		}
	}
	return best, nil
}

// weighings is a heap with the claim on top that can be the heaviest.
type weighings []*weighing

func (h weighings) Len() int { return len(h) }
func (h weighings) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[j].most, h[i].most), cmp.Compare(h[j].least, h[i].least)) < 0
}
func (h weighings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *weighings) Push(g any)   { *h = append(*h, g.(*weighing)) }
func (h *weighings) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// second is the greatest weight that a claim can have which is not on top.
func (h weighings) second() (most uint64) {
	for _, g := range h[1:min(len(h), 3)] {
		most = max(most, g.most)
	}
	return most
}
