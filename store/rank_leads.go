package store

import (
	"errors"
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
// The search goes a root at a time. Between two steps the weight lies between the greatest that was
// measured and the next bound. A claim that cannot win, or that has won, is looked at no further
// (rank_weighing.go). So very many roots cost little even where records link them and nobody builds
// on these records. Each record elsewhere then raises all their bounds, but not above a claim that
// new records build on.

// rootsEpoch is an epoch of a claim, by the time of the release before it.
type rootsEpoch struct{ composite, owner, epoch int64 }

// rootSearch looks for the heaviest of an epoch's roots, a root at a time.
type rootSearch struct {
	*ranking
	of    rootsEpoch
	upTo  int   // the last record that counts
	total int64 // the work of these
	least uint64
	some  bool // a version counts, and the heaviest that was measured weighs least
	vain  int  // how many were measured whose bounds were too high
	// linked are the next roots that records link, in the order of their leads. The first is to be
	// measured. There is none where no other can be heavier.
	linked []linkedRoot
	last   linkedRoot // the last that was read
	chunk  int64      // how many to read next
}

type linkedRoot struct{ lead, timestamp, idx int64 }

// errRowsSilent says that the rows do not tell a claim's weight. The epoch is to be walked, or a
// root does not count and others may build on it.
var errRowsSilent = errors.New("the roots do not tell the weight")

// newRootSearch begins to look for a claim's heaviest version. It may return errRowsSilent.
func (rk *ranking) newRootSearch(c *candidate, release int64) (*rootSearch, error) {
	last, found, err := rk.firstVersion(releasesBy(rk.composite, c.owner, math.MinInt64, rk.until))
	switch {
	case err != nil:
		return nil, err
	case !found && release != math.MinInt64, found && last.timestamp != release:
		return nil, errRowsSilent
	}
	s := &rootSearch{ranking: rk, of: rootsEpoch{rk.composite, c.owner, release}, chunk: 2, last: linkedRoot{math.MaxInt64, math.MaxInt64, math.MaxInt64}}
	if s.upTo, err = rk.asOf(); err != nil {
		return nil, err
	}
	s.total = int64(min(rk.dag.WorkUpTo(s.upTo), math.MaxInt64))
	if err := s.amongQuiet(); err != nil {
		return nil, err
	}
	return s, s.advance()
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

// step measures the next root.
func (s *rootSearch) step() error {
	root := s.linked[0]
	counts, err := s.counts(root.idx)
	if err != nil {
		return err
	}
	if !counts || root.timestamp < s.since { // nor do those count that build on it
		return errRowsSilent
	}
	if s.weigh(root.idx) < s.bound(root) {
		if s.vain++; s.vain == staleRows+1 {
			s.ranker.refreshRoots(s.of)
		}
	}
	s.linked = s.linked[1:]
	return s.advance()
}

// advance finds the next root to measure, and leaves none where no other can be heavier.
func (s *rootSearch) advance() error {
	for {
		if len(s.linked) == 0 {
			if err := s.read(); err != nil {
				return err
			}
		}
		switch {
		case len(s.linked) > 0 && s.linked[0].timestamp <= s.of.epoch: // the mark, to be walked
			return errRowsSilent
		case len(s.linked) == 0 && !s.some:
			return errRowsSilent
		case len(s.linked) == 0 || s.some && s.least >= s.bound(s.linked[0]):
			s.linked = nil
			return nil
		case s.linked[0].timestamp <= s.until:
			return nil
		}
		s.linked = s.linked[1:]
	}
}

// read reads the next roots. Between two steps it holds no place in the index: there can be many
// searches at once.
func (s *rootSearch) read() error {
	if err := s.each(func(r *rows) error {
		s.last = linkedRoot{r.int(0), r.int(1), r.int(2)}
		s.linked = append(s.linked, s.last)
		return s.spend(1)
	}, `SELECT lead, timestamp, idx FROM roots INDEXED BY roots_lead WHERE composite = ? AND owner = ? AND epoch = ? AND quiet = 0
		AND (lead, timestamp, idx) < (?, ?, ?) ORDER BY lead DESC, timestamp DESC, idx DESC LIMIT ?`,
		s.of.composite, s.of.owner, s.of.epoch, s.last.lead, s.last.timestamp, s.last.idx, s.chunk); err != nil {
		return err
	}
	s.chunk = min(2*s.chunk, maxRootsChunk)
	return nil
}

// bound is the greatest weight that a root can have.
func (s *rootSearch) bound(r linkedRoot) uint64 { return uint64(max(0, r.lead+s.total)) }

// most is the greatest weight that the claim can have.
func (s *rootSearch) most() uint64 {
	if len(s.linked) == 0 {
		return s.least
	}
	return s.bound(s.linked[0])
}

func (s *rootSearch) weigh(idx int64) uint64 {
	weight := s.dag.WeightUpTo(dag.Index(idx), s.upTo)
	s.least, s.some = max(s.least, weight), true
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
