package store

import (
	"context"
	"errors"
	"math"
)

// rowMeter works out rows of one crowded key, as the full ranking of a query does.
type rowMeter struct {
	*ranking
	key  *crowdedKey
	none bool // the owner measured last has no version
}

func (t *tx) newRowMeter(k *crowdedKey) (*rowMeter, error) {
	x := t.store.newSearch(context.Background(), Query{})
	if err := x.begin(t.conn); err != nil {
		return nil, err
	}
	m, err := newRowMeter(x, k)
	if err == nil {
		m.writing = true
	}
	return m, err
}

func newRowMeter(x *search, k *crowdedKey) (m *rowMeter, err error) {
	rk := &ranking{search: x, keyMatch: keyMatch{composite: k.composite, id: &k.id}}
	rk.oracles, err = x.electedOracles()
	return &rowMeter{ranking: rk, key: k}, err
}

// measure works out the row of an owner. The lead is the weight, and quiet is 1 where the claim has
// a single version.
func (m *rowMeter) measure(owner int64) (w claimRow, err error) {
	w = claimRow{crowd: m.key.number, owner: owner, rank: fallen, late: noSight}
	m.budget = rowBudget
	versions, mixed, err := m.look32(owner)
	if err != nil {
		return w, err
	}
	if m.none = versions == 0; mixed {
		w.careful = 1
	}
	if versions == 1 {
		w.quiet = 1
	}
	c := &candidate{ownerVersions: ownerVersions{owner: owner}}
	if c.ownerVersions, err = m.newestOf(m.composite, owner, false); err != nil || len(c.versions) == 0 {
		return w, err
	}
	m.careful, m.budget = true, math.MaxInt
	if stands, err := m.newestStanding(c); err != nil || !stands {
		return w, err
	}
	m.careful = mixed
	w.answers(c.claim.Record, int64(c.claim.Index))
	if w.rank, err = m.rank(c); err != nil {
		return w, err
	}
	if err := m.weigh(c, &w); err != nil {
		return w, err
	}
	return w, m.noteFirstSeen(c, &w)
}

// look32 looks at an owner's versions and reports whether some do not count. Where they are many it
// takes that for granted.
func (m *rowMeter) look32(owner int64) (count int, mixed bool, err error) {
	err = m.versionsOf(m.composite, owner, 0, math.MaxInt64, func(v version) (bool, error) {
		if count++; count > versionsRead {
			mixed = true
			return false, nil
		}
		r, err := m.visible(v.idx)
		mixed = mixed || r == nil
		return !mixed || count < 2, err
	})
	return count, mixed, err
}

func (m *rowMeter) rank(c *candidate) (int64, error) {
	by, err := m.certs.certified(c.claim.Owner, int64(c.claim.Index), int64(c.claim.Record.Timestamp))
	if err != nil {
		return 0, err
	}
	objections, err := m.certs.objections(m.oracles, m.key.id, c.claim.Owner)
	return layoutRank(by > 0, objections), err
}

// weigh finds the weight of a claim's heaviest version. Where that takes too long, the row says
// only that there is no bound.
func (m *rowMeter) weigh(c *candidate, w *claimRow) error {
	m.budget = rowBudget
	err := m.measureWeight(c)
	w.lead = int64(min(c.standing.Weight, math.MaxInt64))
	if errors.Is(err, ErrTooBroad) {
		w.lead, err = int64(min(m.dag.WorkUpTo(m.dag.Len()), math.MaxInt64)), nil
		w.quiet = 0
	}
	return err
}

// noteFirstSeen finds out when a claim was seen first.
func (m *rowMeter) noteFirstSeen(c *candidate, w *claimRow) error {
	m.budget = rowBudget
	err := m.measureFirstSeen(c)
	if errors.Is(err, ErrTooBroad) {
		w.late = unknownSight
		return nil
	}
	w.see(c.firstSeen)
	return err
}
