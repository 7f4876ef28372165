package store

import (
	"math"

	"github.com/lf-store/lf/protocol"
)

// checkRanks works out the rows of crowded keys by looking at every version, and compares.
func (v *verifier) checkRanks() error {
	if err := v.checkIssued(); err != nil {
		return err
	}
	left, err := v.one(nil, "SELECT 1 FROM rank_jobs WHERE issuer IS NOT NULL LIMIT 1")
	if err != nil || left {
		return err // some rows are not up to date yet, and no query looks at them
	}
	numbers, err := v.numbers("SELECT number FROM crowded")
	if err != nil {
		return err
	}
	for _, number := range numbers {
		k, _, err := v.crowdedKey(number)
		if err != nil {
			return err
		}
		if err := v.checkCrowded(&k); err != nil {
			return err
		}
	}
	n, err := v.number("SELECT count(*) FROM claims WHERE crowd NOT IN (SELECT number FROM crowded)")
	if err == nil && n > 0 {
		v.problem("claims has %d rows of keys that are not in crowded", n)
	}
	return err
}

// checkCrowded goes through the owners of a crowded key.
func (v *verifier) checkCrowded(k *crowdedKey) error {
	x := &search{ctx: v.ctx, network: v.network, until: math.MaxInt64, budget: math.MaxInt, tuning: defaultTuning}
	if err := x.begin(v.conn); err != nil {
		return err
	}
	x.rootsRead = math.MaxInt // no lead is believed
	m, err := newRowMeter(x, k)
	if err != nil {
		return err
	}
	m.upTo = int(v.meta.attached)
	stand := int64(0)
	for after := int64(0); ; {
		next, found, err := v.firstVersion(versionsAfter(k.composite, after))
		if err != nil {
			return err
		}
		if !found || next.owner > k.built {
			break
		}
		owner := next.owner
		after = owner
		have, found, err := v.claimRow(k.number, owner)
		if err != nil {
			return err
		}
		want, err := m.measure(owner)
		if err != nil {
			return nil //nolint:nilerr // a record that cannot be read was reported
		}
		if found && have.stands() {
			stand++
		}
		if err := v.checkRow(m, have, want, found); err != nil {
			return err
		}
	}
	n, err := v.number("SELECT count(*) FROM claims INDEXED BY claims_newest WHERE crowd = ? AND (rank >= 0 OR late < ?)", k.number, int64(noSight))
	if err != nil {
		return err
	}
	if n != stand {
		v.problem("claims has %d rows of claims that stand on %s, %d of them for something", n, k.id, stand)
	}
	if k.claims != stand {
		v.problem("crowded key %s counts %d claims, want %d", k.id, k.claims, stand)
	}
	return nil
}

// checkRow compares a row with what the owner's versions say.
func (v *verifier) checkRow(m *rowMeter, have, want claimRow, found bool) error {
	if !found {
		if want.stands() {
			v.problem("the claim of owner %d on %s is not in claims", want.owner, m.key.id)
		}
		return nil
	}
	recounting, err := v.one(nil, "SELECT 1 FROM rank_jobs WHERE issuer IS NULL LIMIT 1")
	if err != nil {
		return err
	}
	if want.careful == 1 && have.careful == 0 {
		if v.hidesSome(m, want.owner) {
			v.problem("claims does not say that owner %d has versions on %s that do not count", want.owner, m.key.id)
		}
	}
	if have.rank != want.rank && (!recounting || have.stands() != want.stands()) {
		v.problem("the claim of owner %d on %s has rank %d in claims, want %d", want.owner, m.key.id, have.rank, want.rank)
	}
	if !want.stands() || !have.stands() {
		return nil
	}
	if have.timestamp != want.timestamp || have.idx != want.idx || have.hash != want.hash {
		v.problem("claims says that record %d answers for owner %d on %s, want %d", have.idx, want.owner, m.key.id, want.idx)
	}
	c := &candidate{ownerVersions: ownerVersions{owner: want.owner}}
	m.careful, m.budget = true, math.MaxInt
	if err := m.measureWeight(c); err != nil {
		return err
	}
	if bound := have.bound(int64(m.dag.WorkUpTo(m.upTo))); int64(c.standing.Weight) > bound {
		v.problem("the claim of owner %d on %s has weight %d, claims says at most %d", want.owner, m.key.id, c.standing.Weight, bound)
	}
	if have.late != unknownSight {
		if err := m.measureFirstSeen(c); err != nil {
			return err
		}
		if want.see(c.firstSeen); have.seen != want.seen || have.said != want.said || have.late != want.late {
			v.problem("the claim of owner %d on %s was seen first at %d, claims says %d", want.owner, m.key.id, want.seen, have.seen)
		}
	}
	return v.checkQuiet(m, &have)
}

// hidesSome reports whether an owner has versions that do not count.
func (v *verifier) hidesSome(m *rowMeter, owner int64) (some bool) {
	m.budget = math.MaxInt
	if err := m.versionsOf(m.composite, owner, 0, math.MaxInt64, func(w version) (bool, error) {
		r, err := m.visible(w.idx)
		some = r == nil
		return !some, err
	}); err != nil {
		return false // was reported with the record
	}
	return some
}

// checkQuiet checks that nothing links a version of a quiet claim, and that the first record to do
// so will be noticed.
func (v *verifier) checkQuiet(m *rowMeter, w *claimRow) error {
	if w.quiet == 0 {
		return nil
	}
	m.careful, m.budget = w.careful == 1, math.MaxInt
	return m.walk(&candidate{ownerVersions: ownerVersions{owner: w.owner}}, math.MinInt64, func(k version) error {
		noticed, err := v.one(nil, "SELECT 1 FROM unlinked WHERE idx = ? AND crowd = ? AND owner = ?", k.idx, w.crowd, w.owner)
		if err == nil && (!noticed || v.linked.has(k.idx)) {
			release, err := m.releaseOf(&candidate{ownerVersions: ownerVersions{owner: w.owner}})
			if err == nil && k.timestamp > release {
				v.problem("claims says that nothing links version %d of owner %d on %s", k.idx, w.owner, m.key.id)
			}
			return err
		}
		return err
	})
}

// checkIssued compares what revocations find chains by with the chains.
func (v *verifier) checkIssued() error {
	err := v.each(func(r *rows) error {
		issues, err := readIssues(r.blob(1))
		if err != nil {
			return nil //nolint:nilerr // was reported with the row
		}
		for _, i := range issues {
			found, err := v.one(nil, "SELECT 1 FROM issued WHERE issuer = ? AND serial = ? AND owner = ?", i.issuer[:], []byte(i.serial), r.blob(0))
			if err != nil {
				return err
			}
			if !found {
				v.problem("a certificate of owner %x is not in issued", r.blob(0))
			}
		}
		return v.ctx.Err()
	}, "SELECT owner, issues FROM certificates WHERE authority > 0")
	if err != nil {
		return err
	}
	return v.each(func(r *rows) error {
		if len(r.blob(2)) != len(protocol.Owner{}) {
			v.problem("issued has a row for %x, which is no owner", r.blob(2))
			return nil
		}
		found := false
		err := v.each(func(c *rows) error {
			issues, err := readIssues(c.blob(0))
			for _, i := range issues {
				found = found || string(i.issuer[:]) == string(r.blob(0)) && i.serial == string(r.blob(1))
			}
			if err != nil {
				found = true // was reported with the row
			}
			return nil
		}, "SELECT issues FROM certificates WHERE owner = ? AND authority > 0", r.blob(2))
		if err == nil && !found {
			v.problem("issued has a row for owner %x that no chain says", r.blob(2))
		}
		return err
	}, "SELECT issuer, serial, owner FROM issued")
}
