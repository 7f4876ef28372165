package store

import (
	"math"

	"github.com/lf-store/lf/store/internal/dag"
)

// One owner can have any number of roots under a key, by versions that do not build on each other.
// The heaviest is found as the best claim on a crowded key is. A row holds a bound for the root's
// weight. The search takes the root with the greatest bound, until no other can be heavier. A new
// record adds its work at most once to any version. So the weight less the work of all records, the
// lead, bounds the weight later. A quiet root is one that no record links; its weight is the lead.
//
// A lead is written with the root. Where queries find many leads far too high, the background task
// lowers them, and makes roots quiet that nothing links. A root costs one more index entry for it.
//
// One case stays dear: records link many of the roots, and nobody builds on these records. Each
// record elsewhere then raises all of the bounds, and the leads have to be lowered again.

// rootsEpoch is an epoch of a claim, by the time of the release that it is behind.
type rootsEpoch struct{ composite, owner, epoch int64 }

// rootSearch looks for the heaviest of an epoch's roots.
type rootSearch struct {
	*ranking
	of    rootsEpoch
	upTo  int   // the last record that counts
	total int64 // the work of these
	best  uint64
	some  bool // there is a version that counts
	vain  int  // how many were measured whose bounds were too high
}

// heaviest finds the weight of a claim's heaviest version without looking at all roots. It reports
// false where the rows do not tell. The epoch is to be walked, or a root does not count and others
// may build on it.
func (rk *ranking) heaviest(c *candidate, release int64) (known bool, err error) {
	last := int64(math.MinInt64)
	if _, err := rk.one(func(r *rows) { last = r.int(0) }, `SELECT timestamp FROM versions INDEXED BY releases WHERE composite = ? AND owner = ?
		AND released = 1 AND timestamp <= ? ORDER BY timestamp DESC LIMIT 1`, rk.composite, c.owner, rk.until); err != nil || last != release {
		return false, err
	}
	s := &rootSearch{ranking: rk, of: rootsEpoch{rk.composite, c.owner, release}}
	if s.upTo, err = rk.asOf(); err != nil {
		return false, err
	}
	s.total = int64(min(rk.dag.WorkUpTo(s.upTo), math.MaxInt64))
	defer func() {
		if s.vain > staleRows {
			rk.ranker.refreshRoots(s.of)
		}
	}()
	if err := s.amongQuiet(); err != nil {
		return false, err
	}
	complete, err := s.amongLinked()
	if err != nil || !complete || !s.some {
		return false, err
	}
	rk.leadsUsed++
	c.standing.Weight = s.best
	return true, nil
}

// asOf returns the last record of which the rows know that this transaction shows.
func (rk *ranking) asOf() (int, error) {
	switch {
	case rk.upTo > 0:
		return rk.upTo, nil
	case rk.writing:
		return rk.dag.Len(), nil
	}
	attached, err := rk.number("SELECT attached FROM meta")
	return int(attached), err
}

// amongQuiet finds the heaviest quiet root that counts. Nothing builds on one that does not.
func (s *rootSearch) amongQuiet() error {
	err := s.each(func(r *rows) error {
		if err := s.spend(1); err != nil {
			return err
		}
		timestamp, idx := r.int(0), r.int(1)
		if timestamp < s.since || timestamp > s.until {
			return nil
		}
		counts, err := s.counts(idx)
		if err != nil || !counts {
			return err
		}
		s.weigh(idx)
		return errStop
	}, `SELECT timestamp, idx FROM roots INDEXED BY roots_lead WHERE composite = ? AND owner = ? AND epoch = ? AND quiet = 1
		ORDER BY lead DESC`, s.of.composite, s.of.owner, s.of.epoch)
	return ignoreStop(err)
}

// amongLinked looks for a heavier one among the others, and reports whether their rows tell.
func (s *rootSearch) amongLinked() (complete bool, err error) {
	complete = true
	err = s.each(func(r *rows) error {
		timestamp, idx, lead := r.int(0), r.int(1), r.int(2)
		if timestamp <= s.of.epoch { // the mark that the epoch is to be walked
			complete = false
			return errStop
		}
		bound := uint64(max(0, lead+s.total))
		if s.some && s.best >= bound {
			return errStop
		}
		// nor do those count that build on it
		if err := s.spend(1); err != nil || timestamp > s.until {
			return err
		}
		counts, err := s.counts(idx)
		if err != nil {
			return err
		}
		if complete = counts && timestamp >= s.since; !complete {
			return errStop
		}
		if s.weigh(idx) < bound {
			s.vain++
		}
		return nil
	}, `SELECT timestamp, idx, lead FROM roots INDEXED BY roots_lead WHERE composite = ? AND owner = ? AND epoch = ? AND quiet = 0
		ORDER BY lead DESC`, s.of.composite, s.of.owner, s.of.epoch)
	return complete, ignoreStop(err)
}

func (s *rootSearch) weigh(idx int64) uint64 {
	weight := s.dag.WeightUpTo(dag.Index(idx), s.upTo)
	s.best, s.some = max(s.best, weight), true
	return weight
}

// linkRoots says of the quiet roots that a new record links that their weights change from now on.
func (t *tx) linkRoots(parents []place) error {
	if t.noneQuiet {
		return nil
	}
	for _, p := range parents {
		var of keyed
		quiet, err := t.one(func(r *rows) { of = keyed{r.int(0), r.int(1), version{r.int(2), p.idx, false}} },
			"SELECT composite, owner, timestamp FROM roots INDEXED BY roots_quiet WHERE quiet = 1 AND idx = ?", p.idx)
		if err == nil && quiet {
			err = t.setLead(of, 0, t.leadOf(p.idx))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leadOf is the least lead that is true of a version now.
func (t *tx) leadOf(idx int64) int64 { return int64(min(t.weight(idx), math.MaxInt64)) - t.work() }

func (t *tx) setLead(root keyed, quiet, lead int64) error {
	_, err := t.exec("UPDATE roots SET quiet = ?, lead = ? WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ?",
		quiet, lead, root.composite, root.owner, root.timestamp, root.idx)
	return err
}

// lowerRoots lowers the greatest leads of an epoch's roots by their weights now. It reports whether
// the greatest that is left is true.
func (t *tx) lowerRoots(of rootsEpoch) (done bool, err error) {
	for range t.store.options.tuning.rankPortion {
		root, lead := keyed{composite: of.composite, owner: of.owner}, int64(0)
		found, err := t.one(func(r *rows) { root.timestamp, root.idx, lead = r.int(0), r.int(1), r.int(2) }, `SELECT timestamp, idx, lead FROM roots
			INDEXED BY roots_lead WHERE composite = ? AND owner = ? AND epoch = ? AND quiet = 0 ORDER BY lead DESC LIMIT 1`, of.composite, of.owner, of.epoch)
		if err != nil || !found || root.timestamp <= of.epoch {
			return true, err
		}
		quiet, err := t.isUnlinked(root.idx)
		if err != nil {
			return false, err
		}
		lower := t.leadOf(root.idx)
		switch {
		case quiet:
			t.noneQuiet = false
			err = t.setLead(root, 1, lower+t.work())
		case lower >= lead:
			return true, nil
		default:
			err = t.setLead(root, 0, lower)
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// resetLeads forgets what was worked out with a graph that was wrong.
func (t *tx) resetLeads() error {
	_, err := t.exec("UPDATE roots SET quiet = 0, lead = 0 WHERE walk = 0")
	return err
}
