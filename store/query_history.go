package store

import (
	"math"
	"slices"
)

// VersionPosition is a place among a claim's versions.
type VersionPosition struct {
	Timestamp uint64
	Prefix    [8]byte // how the record's ID begins
}

// Position is where the next page of a claim's older versions begins if this is the last version of
// one.
func (v *Version) Position() VersionPosition {
	p := VersionPosition{Timestamp: v.Time()}
	if v.Record != nil {
		id := v.Record.ID()
		copy(p.Prefix[:], id[:])
	} else {
		copy(p.Prefix[:], v.Damaged.ID[:])
	}
	return p
}

// history reads a page of a claim's older versions: those that no release withdraws, twins as one.
// The first page begins after the newest version, which is the claim's.
func (rk *ranking) history(c *candidate) error {
	h := &historyPage{ranking: rk, after: rk.query.HistoryAfter, limit: maxListed}
	until := rk.until
	if h.after != nil {
		until = min(until, int64(h.after.Timestamp))
	} else {
		h.limit++ // the newest one
	}
	if err := rk.versionsOf(rk.composite, c.owner, rk.since, until, h.visit); err != nil {
		return err
	}
	if !h.full {
		h.flush()
	}
	switch c.claim.MoreOlder = h.more; {
	case h.after != nil:
		c.claim.Older = h.list
	case len(h.list) > 0:
		c.claim.Version, c.claim.Older = h.list[0], h.list[1:]
	}
	return nil
}

// historyPage is a page of a claim's versions while it is read, the newest timestamp first.
type historyPage struct {
	*ranking
	after *VersionPosition // nil: at the newest
	limit int
	list  []Version
	same  []Version // those of the timestamp that is being read
	at    int64     // that timestamp
	more  bool      // there are further ones
	full  bool      // nothing more is wanted
}

// visit reads a version, and reports whether more are wanted.
func (h *historyPage) visit(v version) (bool, error) {
	if v.timestamp != h.at {
		if h.flush(); h.full {
			return false, nil
		}
		h.at = v.timestamp
	}
	r, err := h.visible(v.idx)
	switch d := asDamaged(err); {
	case d != nil && d.Index == uint64(v.idx):
		// listed as what it is: an older version, for the answer was read before
		damaged := h.newVersion(nil, v)
		damaged.Damaged = d
		h.same = append(h.same, *damaged)
	case err != nil:
		return false, err
	case r != nil:
		h.same = append(h.same, *h.newVersion(r, v))
	}
	return true, nil
}

// flush adds the versions of one timestamp to the page. A release withdraws those of its own time
// and before.
func (h *historyPage) flush() {
	same := h.same
	h.same = nil
	if slices.ContainsFunc(same, func(v Version) bool { return v.released() }) {
		h.full = true
		return
	}
	slices.SortFunc(same, func(a, b Version) int { return compareVersions(b, a) })
	for _, v := range h.unlisted(collapseTwins(same)) {
		if len(h.list) == h.limit {
			h.more, h.full = true, true
			return
		}
		h.list = append(h.list, v)
	}
}

// unlisted leaves out what was on the page before. If its last version is not here any more, all of
// that timestamp were.
func (h *historyPage) unlisted(same []Version) []Version {
	if h.after == nil || h.at != int64(min(h.after.Timestamp, math.MaxInt64)) {
		return same
	}
	last := slices.IndexFunc(same, func(v Version) bool { return v.Position().Prefix == h.after.Prefix })
	if last < 0 {
		return nil
	}
	return same[last+1:]
}
