package store

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// measures says how each criterion is measured.
var measures = map[protocol.Criterion]func(*hearing, *contender) error{
	protocol.CriterionCertified: (*hearing).measureCertified,
	protocol.CriterionOracles:   (*hearing).measureOracles,
	protocol.CriterionWeight:    (*hearing).measureWeight,
	protocol.CriterionLocal:     (*hearing).measureLocal,
	protocol.CriterionNewest:    (*hearing).measureNewest,
}

// measure finds out what a criterion compares of a claim, once.
func (h *hearing) measure(c *contender, by protocol.Criterion) error {
	measure := measures[by]
	if measure == nil {
		return fmt.Errorf("%w: claims cannot be ranked by %q here", ErrBadQuery, string(by))
	}
	if c.known&bitOf(by) != 0 {
		return nil
	}
	c.known |= bitOf(by)
	return measure(h, c)
}

// bitOf is a criterion's bit in what is known of a claim.
func bitOf(by protocol.Criterion) uint { return 1 << slices.Index(everyCriterion, by) }

func (h *hearing) measureNewest(c *contender) error {
	if err := h.load(c); err != nil {
		return err
	}
	c.standing.Timestamp, c.standing.SignedHash = c.claim.Record.Timestamp, c.claim.Record.SignedHash()
	return nil
}

func (h *hearing) measureCertified(c *contender) error {
	if len(h.network.Authorities()) == 0 && len(h.query.Authorities) == 0 {
		return nil
	}
	if err := h.load(c); err != nil {
		return err
	}
	by, err := h.certify(c.claim.Owner, int64(c.claim.Index), int64(c.claim.Record.Timestamp))
	if err != nil || by == nil {
		return err
	}
	c.standing.Certified, c.claim.Authority = true, by.Name()
	return nil
}

func (h *hearing) measureOracles(c *contender) (err error) {
	if c.standing.Elected = len(h.oracles); len(h.oracles) == 0 {
		return nil
	}
	if err := h.load(c); err != nil {
		return err
	}
	c.standing.Objections, err = h.judge.objections(h.oracles, c.claim.Record.CompositeID(), c.claim.Owner)
	return err
}

// measureWeight finds the weight of a claim's heaviest version, which is one of its roots. Where
// those are not kept, or some of them do not count in this query, it looks at all of the claim's
// versions.
func (h *hearing) measureWeight(c *contender) error {
	release, err := h.releaseOf(c)
	if err != nil {
		return err
	}
	known, err := h.weighRoots(c, release, h.rootsRead)
	if errors.Is(err, errMany) {
		if known, err = h.heaviest(c, release); err == nil && !known {
			known, err = h.weighRoots(c, release, math.MaxInt)
		}
	}
	if err != nil || known {
		return err
	}
	c.standing.Weight = 0
	return h.walk(c, release, func(v version) error {
		c.standing.Weight = max(c.standing.Weight, h.weight(v.idx))
		return nil
	})
}

// errMany says that a claim has more roots than are read.
var errMany = errors.New("a claim with many roots")

// weighRoots looks at all roots, where they are no more than a number, and reports whether the
// heaviest version is one of them.
func (h *hearing) weighRoots(c *contender, release int64, most int) (known bool, err error) {
	c.standing.Weight = 0
	kept, complete := 0, true
	err = h.each(func(r *rows) error {
		timestamp, idx, walk := r.int(0), r.int(1), r.int(2) != 0
		switch {
		case walk:
			complete = false
		case timestamp <= release:
		case timestamp < h.since:
			complete = false
		default:
			counts, err := h.counts(idx)
			if err != nil {
				return err
			}
			complete = complete && counts
			c.standing.Weight = max(c.standing.Weight, h.weight(idx))
			if kept++; kept > most {
				return errMany
			}
		}
		if !complete {
			return errStop
		}
		return h.spend(1)
	}, "SELECT timestamp, idx, walk FROM roots WHERE composite = ? AND owner = ? AND timestamp BETWEEN ? AND ?", h.composite, c.owner, release, h.until)
	return complete && kept > 0, ignoreStop(err)
}

// counts reports whether a version counts, where it is not certain that all do.
func (h *hearing) counts(idx int64) (bool, error) {
	if !h.careful {
		return true, nil
	}
	r, err := h.visible(idx)
	return r != nil, err
}

// walk visits the data of a claim that count in this query: behind its release.
func (h *hearing) walk(c *contender, release int64, visit func(version) error) error {
	since := h.since
	if release >= since {
		since = release + 1
	}
	return h.versionsOf(h.composite, c.owner, since, h.until, func(v version) (bool, error) {
		if v.released { // one that does not count
			return true, nil
		}
		counts, err := h.counts(v.idx)
		if err != nil || !counts {
			return true, err
		}
		return true, visit(v)
	})
}

// releaseOf returns the time of the owner's newest release within the query's end, the least number
// if there is none.
func (h *hearing) releaseOf(c *contender) (at int64, err error) {
	at = math.MinInt64
	err = h.each(func(r *rows) error {
		if err := h.spend(1); err != nil {
			return err
		}
		counts, err := h.counts(r.int(1))
		if err != nil || !counts {
			return err
		}
		at = r.int(0)
		return errStop
	}, `SELECT timestamp, idx FROM versions INDEXED BY releases WHERE composite = ? AND owner = ? AND released = 1 AND timestamp <= ?
		ORDER BY timestamp DESC`, h.composite, c.owner, h.until)
	if errors.Is(err, errStop) {
		err = nil
	}
	return at, err
}

// measureLocal compares when a claim was seen first with when all others were, those included that
// another criterion has put behind.
func (h *hearing) measureLocal(c *contender) error {
	if h.earliest == nil {
		all := nobody
		for _, c := range h.contenders {
			if err := h.look(c); err != nil {
				return err
			}
			all.add(c.sight)
		}
		h.earliest = &all
	}
	c.standing.First = h.earliest.isFirst(c.sight)
	return nil
}

// look finds out when a claim was seen first: what is kept of it is as of now and counts every
// version, otherwise all of its versions are looked at.
func (h *hearing) look(c *contender) error {
	if !h.careful && h.since <= 0 && h.until == math.MaxInt64 {
		s, found, err := h.firstOf(h.composite, c.owner, h.network)
		if err != nil {
			return err
		}
		if found {
			c.sight = s
			return h.spend(1)
		}
	}
	release, err := h.releaseOf(c)
	if err != nil {
		return err
	}
	c.sight.seen = math.MaxInt64
	return h.walk(c, release, func(v version) error {
		s, err := h.sightOf(v.idx, v.timestamp, h.network)
		if err == nil && s.seen < c.sight.seen {
			c.sight = s
		}
		return err
	})
}
