package store

import "math"

// A claim's weight is that of its heaviest version. A version with another one in its past weighs
// less than that one. So the heaviest is a root: a version with no other of the same epoch in its
// past. An epoch is what an owner said between two releases, before the first or after the last:
// the half-open interval (start, end].
//
// This bounds the cost. A version is compared with at most rootsCompared roots, and counts as one
// beyond those. Rows that are no roots do no harm. A query reads rootsRead of a claim's roots, and
// where there are more those that can be the heaviest (rank_leads.go). A release that comes late
// parts an epoch, and after it other versions are roots. The change that brings the release looks
// at versionsParted of them. Where there are more, the writer finds the roots in the background
// (rank_late.go). Until then the epoch is marked, and queries walk its versions, within their
// budget. Under a composite key with a single version, which is the usual, no rows are kept at all.

// indexVersion keeps the tables roots and firsts. It is called when the record is in versions and
// in the graph.
func (t *tx) indexVersion(e *entry, at place) error {
	if len(e.rows) == 0 || e.alone {
		return nil
	}
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	others, err := t.others(e.composite, at.idx)
	if e.alone = err == nil && len(others) == 0; err != nil || e.alone {
		return err
	}
	if len(others) == 1 { // until now it was alone
		if err := t.indexAmong(others[0]); err != nil {
			return err
		}
	}
	return t.indexAmong(e.version(owner, at.idx))
}

// others returns versions under a composite key apart from one: two of them where there are more.
func (t *tx) others(composite, except int64) (list []keyed, err error) {
	err = t.eachVersion(versionsUnder(composite), func(v keyed) error {
		if v.idx != except {
			list = append(list, v)
		}
		return stopUnless(len(list) < 2, nil)
	})
	return list, ignoreStop(err)
}

// indexAmong indexes one of several versions under a composite key.
func (t *tx) indexAmong(v keyed) error {
	if v.released {
		return t.part(v)
	}
	ep, err := t.epochOf(v.composite, v.owner, v.timestamp)
	if err != nil {
		return err
	}
	if err := t.addRoot(v, ep); err != nil {
		return err
	}
	marked, err := t.isWalked(v, ep)
	switch {
	case err != nil:
		return err
	case marked:
		return t.joinMarked(v, ep)
	case ep.end < math.MaxInt64:
		return nil // withdrawn
	}
	return t.addFirst(v)
}

// epoch is the half-open interval (start, end] between two releases; either end may be unbounded.
type epoch struct{ start, end int64 }

var wholeTime = epoch{math.MinInt64, math.MaxInt64}

// epochOf returns the epoch that a time is in.
func (c *conn) epochOf(composite, owner, timestamp int64) (ep epoch, err error) {
	ep = wholeTime
	after, found, err := c.lastVersion(releasesBy(composite, owner, timestamp, math.MaxInt64))
	if err != nil {
		return ep, err
	}
	if found {
		ep.end = after.timestamp
	}
	before, found, err := c.firstVersion(releasesBy(composite, owner, math.MinInt64, timestamp-1))
	if found {
		ep.start = before.timestamp
	}
	return ep, err
}

// isWalked reports whether a version's epoch is marked: its roots are not all known.
func (c *conn) isWalked(v keyed, ep epoch) (bool, error) {
	if ep.start == math.MinInt64 {
		return false, nil
	}
	return c.one(nil, "SELECT 1 FROM roots WHERE composite = ? AND owner = ? AND timestamp = ? AND walk = 1", v.composite, v.owner, ep.start)
}

// addRoot makes a version a root of its epoch unless one is found in its past. It looks at the
// oldest first: on these the others are most likely built.
func (t *tx) addRoot(v keyed, ep epoch) error {
	past := make([]int64, 0, t.store.options.tuning.rootsCompared)
	if err := t.each(func(r *rows) error {
		past = append(past, r.int(0))
		return nil
	}, "SELECT idx FROM roots WHERE composite = ? AND owner = ? AND timestamp > ? AND timestamp <= ? AND walk = 0 ORDER BY timestamp, idx LIMIT ?",
		v.composite, v.owner, ep.start, v.timestamp, int64(cap(past))); err != nil {
		return err
	}
	for _, root := range past {
		if root == v.idx || t.isAncestor(root, v.idx) {
			return nil
		}
	}
	quiet, lead := int64(0), t.leadOf(v.idx)
	if len(past) == cap(past) { // one of many
		unlinked, err := t.isUnlinked(v.idx)
		if err != nil {
			return err
		}
		if unlinked {
			quiet, lead = 1, lead+t.work()
			t.noneQuiet = false
		}
	}
	return t.insertRoot(v, 0, ep.start, quiet, lead)
}

func (t *tx) insertRoot(v keyed, walk, epoch, quiet, lead int64) error {
	_, err := t.exec("INSERT OR IGNORE INTO roots (composite, owner, timestamp, idx, walk, epoch, quiet, lead) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		v.composite, v.owner, v.timestamp, v.idx, walk, epoch, quiet, lead)
	return err
}

// part parts the epoch that a release falls into. The versions before the release are withdrawn,
// and after it there are other roots. In the usual order nothing is after it yet.
func (t *tx) part(release keyed) error {
	again, err := t.isReleasedAlso(release)
	if err != nil || again {
		return err
	}
	behind, err := t.epochOf(release.composite, release.owner, release.timestamp+1)
	if err != nil {
		return err
	}
	most := t.store.options.tuning.versionsParted
	versions, err := t.dataAfter(release, version{timestamp: behind.start + 1}, behind.end, most+1)
	if err != nil {
		return err
	}
	stands := behind.end == math.MaxInt64
	if stands {
		if err := t.dropFirst(release, behind.start); err != nil {
			return err
		}
	}
	if len(versions) > most {
		if stands { // nor is it known what was seen first of it
			if err := t.dropFirst(release, behind.end); err != nil {
				return err
			}
		}
		return t.markEpoch(release)
	}
	if len(versions) > 0 { // those that were roots already
		if _, err := t.exec("UPDATE roots SET epoch = ? WHERE composite = ? AND owner = ? AND timestamp > ? AND timestamp <= ? AND walk = 0",
			behind.start, release.composite, release.owner, behind.start, behind.end); err != nil {
			return err
		}
	}
	for _, v := range versions {
		if err := t.addRoot(v, behind); err != nil {
			return err
		}
		if stands {
			if err := t.addFirst(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// isReleasedAlso reports whether another release of the owner's has the same time.
func (c *conn) isReleasedAlso(release keyed) (also bool, err error) {
	err = c.eachVersion(releasesBy(release.composite, release.owner, release.timestamp, release.timestamp), func(v keyed) error {
		also = v.idx != release.idx
		return stopUnless(!also, nil)
	})
	return also, ignoreStop(err)
}

// dataAfter returns the next data of an owner after a version, or from its time on where it has no
// index. None is later than end, and each comes after those in its past. Data of one time are read
// in the order of the index: there may be very many.
func (t *tx) dataAfter(of keyed, after version, end int64, limit int) (list []keyed, err error) {
	for found := true; found && len(list) < limit; {
		if err := t.eachVersion(dataAt(of.composite, of.owner, after.timestamp, after.idx), func(v keyed) error {
			list = append(list, v)
			return stopUnless(len(list) < limit, nil)
		}); ignoreStop(err) != nil {
			return nil, err
		}
		var later keyed
		if later, found, err = t.lastVersion(versionsBy(of.composite, of.owner, after.timestamp+1, end)); err != nil {
			return nil, err
		}
		after = version{timestamp: later.timestamp}
	}
	return list, nil
}
