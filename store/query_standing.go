package store

import (
	"fmt"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// measures says how each criterion is measured.
var measures = map[protocol.Criterion]func(*ranking, *candidate) error{
	protocol.CriterionCertified: (*ranking).measureCertified,
	protocol.CriterionOracles:   (*ranking).measureOracles,
	protocol.CriterionWeight:    (*ranking).measureWeight,
	protocol.CriterionLocal:     (*ranking).measureLocal,
	protocol.CriterionNewest:    (*ranking).measureNewest,
}

// measure finds out what a criterion compares of a claim, once.
func (rk *ranking) measure(c *candidate, by protocol.Criterion) error {
	measure := measures[by]
	if measure == nil {
		return fmt.Errorf("%w: claims cannot be ranked by %q here", ErrBadQuery, string(by))
	}
	if c.known&bitOf(by) != 0 {
		return nil
	}
	c.known |= bitOf(by)
	return measure(rk, c)
}

// bitOf is a criterion's bit in what is known of a claim.
func bitOf(by protocol.Criterion) uint { return 1 << slices.Index(everyCriterion, by) }

func (rk *ranking) measureNewest(c *candidate) error {
	if err := rk.load(c); err != nil {
		return err
	}
	c.standing.Timestamp, c.standing.SignedHash = c.claim.Record.Timestamp, c.claim.Record.SignedHash()
	return nil
}

func (rk *ranking) measureCertified(c *candidate) error {
	if len(rk.network.Authorities()) == 0 && len(rk.query.Authorities) == 0 {
		return nil
	}
	if err := rk.load(c); err != nil {
		return err
	}
	by, err := rk.certify(c.claim.Owner, int64(c.claim.Index), int64(c.claim.Record.Timestamp))
	if err != nil || by == nil {
		return err
	}
	c.standing.Certified, c.claim.Authority = true, by.Name()
	return nil
}

func (rk *ranking) measureOracles(c *candidate) (err error) {
	if c.standing.Elected = len(rk.oracles); len(rk.oracles) == 0 {
		return nil
	}
	if err := rk.load(c); err != nil {
		return err
	}
	c.standing.Objections, err = rk.certs.objections(rk.oracles, c.claim.Record.CompositeID(), c.claim.Owner)
	return err
}

// weighRoots looks at all roots, where they are no more than a number, and reports whether the
// heaviest version is one of them.
func (rk *ranking) weighRoots(c *candidate, release int64, most int) (heaviest uint64, known bool, err error) {
	var roots []int64
	complete := true
	err = rk.each(func(r *rows) error {
		timestamp, idx, walk := r.int(0), r.int(1), r.int(2) != 0
		switch {
		case walk || timestamp > release && timestamp < rk.since:
			complete = false
			return errStop
		case timestamp > release:
			if roots = append(roots, idx); len(roots) > most {
				return errManyRoots
			}
		}
		return rk.spend(1)
	}, "SELECT timestamp, idx, walk FROM roots WHERE composite = ? AND owner = ? AND timestamp BETWEEN ? AND ?", rk.composite, c.owner, release, rk.until)
	if err = ignoreStop(err); err != nil || !complete || len(roots) == 0 {
		return 0, false, err
	}
	for _, idx := range roots {
		counts, err := rk.counts(idx)
		if err != nil || !counts {
			return 0, false, err
		}
		heaviest = max(heaviest, rk.weight(idx))
	}
	return heaviest, true, nil
}

// counts reports whether a version counts, where it is not certain that all do.
func (rk *ranking) counts(idx int64) (bool, error) {
	if !rk.careful {
		return true, nil
	}
	r, err := rk.visible(idx)
	return r != nil, err
}

// walk visits the data of a claim that count in this query: after its release.
func (rk *ranking) walk(c *candidate, release int64, visit func(version) error) error {
	since := rk.since
	if release >= since {
		since = release + 1
	}
	return rk.versionsOf(rk.composite, c.owner, since, rk.until, func(v version) (bool, error) {
		if v.released { // one that does not count
			return true, nil
		}
		counts, err := rk.counts(v.idx)
		if err != nil || !counts {
			return true, err
		}
		return true, visit(v)
	})
}

// releaseOf returns the time of the owner's newest release within the query's end, the least number
// if there is none.
func (rk *ranking) releaseOf(c *candidate) (at int64, err error) {
	at = math.MinInt64
	err = rk.eachVersion(releasesBy(rk.composite, c.owner, math.MinInt64, rk.until), func(v keyed) error {
		if err := rk.spend(1); err != nil {
			return err
		}
		counts, err := rk.counts(v.idx)
		if err != nil || !counts {
			return err
		}
		at = v.timestamp
		return errStop
	})
	return at, ignoreStop(err)
}

// measureLocal compares when a claim was seen first with when all others were, those included that
// another criterion has put after it.
func (rk *ranking) measureLocal(c *candidate) error {
	if rk.earliestSeen == nil {
		all := noneSeen
		for _, c := range rk.candidates {
			if err := rk.measureFirstSeen(c); err != nil {
				return err
			}
			all.add(c.firstSeen)
		}
		rk.earliestSeen = &all
	}
	c.standing.First = rk.earliestSeen.isFirst(c.firstSeen)
	return nil
}

// measureFirstSeen finds out when a claim was seen first. The table firsts is as of now and counts
// every version. Where that does not answer, it looks at all of the claim's versions.
func (rk *ranking) measureFirstSeen(c *candidate) error {
	if !rk.careful && rk.since <= 0 && rk.until == math.MaxInt64 {
		s, found, err := rk.firstOf(rk.composite, c.owner, rk.network)
		if err != nil {
			return err
		}
		if found {
			c.firstSeen = s
			return rk.spend(1)
		}
	}
	release, err := rk.releaseOf(c)
	if err != nil {
		return err
	}
	c.firstSeen.seen = math.MaxInt64
	return rk.walk(c, release, func(v version) error {
		s, err := rk.firstSeenOf(v.idx, v.timestamp, rk.network)
		if err == nil && s.seen < c.firstSeen.seen {
			c.firstSeen = s
		}
		return err
	})
}
