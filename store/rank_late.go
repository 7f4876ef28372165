package store

import "math"

// A release that comes late parts an epoch: the versions after it have other roots than before.
// Where these versions are few, the change that brings the release finds the roots. Where they are
// many, the epoch after the release is marked. The writer then looks at its versions in the
// background, a portion at a time, in the order of their timestamps. How far it is stands in the
// table late_releases, so a restart goes on with it. Versions that come meanwhile become roots at
// once, as everywhere. Another late release may part the marked epoch again: each of the two parts
// has then its own row.

// lateRelease is a row of the table late_releases that is not done.
type lateRelease struct {
	keyed       // the release
	at          version
	first, done int64
}

// markEpoch leaves the versions after a late release to the background.
func (t *tx) markEpoch(release keyed) error {
	t.store.ranker.wake()
	if _, err := t.exec("INSERT OR REPLACE INTO late_releases VALUES (?, ?, ?, ?, ?, 0, 0, 0)",
		release.composite, release.owner, release.timestamp, release.idx, release.timestamp+1); err != nil {
		return err
	}
	return t.insertRoot(release, 1, release.timestamp, 0, math.MaxInt64)
}

// lateStep looks at the next versions after a late release, and reports whether there were any.
func (t *tx) lateStep() (worked bool, err error) {
	var l lateRelease
	worked, err = t.one(func(r *rows) {
		l.keyed = keyed{r.int(0), r.int(1), version{r.int(2), r.int(3), true}}
		l.at, l.first = version{timestamp: r.int(4), idx: r.int(5)}, r.int(6)
	}, `SELECT composite, owner, timestamp, idx, at_timestamp, at_idx, first
		FROM late_releases INDEXED BY late_releases_left WHERE done = 0 LIMIT 1`)
	if err != nil || !worked {
		return false, err
	}
	after, err := t.epochOf(l.composite, l.owner, l.timestamp+1)
	if err != nil {
		return false, err
	}
	limit := t.store.options.tuning.rankPortion
	versions, err := t.dataAfter(l.keyed, l.at, after.end, limit)
	if err != nil {
		return false, err
	}
	for _, v := range versions {
		if err := t.moveRoot(v, after); err != nil {
			return false, err
		}
		if l.first, err = t.seenFirst(l.first, v.idx); err != nil {
			return false, err
		}
		l.at = v.version
	}
	if len(versions) < limit {
		l.done = t.meta.attached
	}
	if _, err := t.exec(`UPDATE late_releases SET at_timestamp = ?, at_idx = ?, first = ?, done = ?
		WHERE composite = ? AND owner = ? AND timestamp = ?`,
		l.at.timestamp, l.at.idx, l.first, l.done, l.composite, l.owner, l.timestamp); err != nil || l.done == 0 {
		return true, err
	}
	return true, t.unmarkEpoch(&l, after)
}

// moveRoot makes a root of a longer epoch one of this epoch. Any other version becomes a root if it
// is one now.
func (t *tx) moveRoot(v keyed, ep epoch) error {
	moved, err := t.exec("UPDATE roots SET epoch = ? WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ? AND walk = 0",
		ep.start, v.composite, v.owner, v.timestamp, v.idx)
	if err != nil || moved > 0 {
		return err
	}
	return t.addRoot(v, ep)
}

// seenFirst returns which of two versions was seen first; 0 is none.
func (t *tx) seenFirst(a, b int64) (int64, error) {
	if a == 0 || a == b {
		return b, nil
	}
	one, err := t.seenOf(a)
	if err != nil {
		return 0, err
	}
	other, err := t.seenOf(b)
	if err != nil || one < other {
		return a, err
	}
	return b, nil
}

// joinMarked notes a version that comes while its epoch is marked.
func (t *tx) joinMarked(v keyed, ep epoch) error {
	first, err := t.number("SELECT first FROM late_releases WHERE composite = ? AND owner = ? AND timestamp = ?", v.composite, v.owner, ep.start)
	if err != nil {
		return err
	}
	if first, err = t.seenFirst(first, v.idx); err != nil {
		return err
	}
	_, err = t.exec("UPDATE late_releases SET first = ? WHERE composite = ? AND owner = ? AND timestamp = ?", first, v.composite, v.owner, ep.start)
	return err
}

// unmarkEpoch takes the mark away when all versions after a late release were looked at.
func (t *tx) unmarkEpoch(l *lateRelease, after epoch) error {
	if _, err := t.exec("DELETE FROM roots WHERE composite = ? AND owner = ? AND timestamp = ? AND walk = 1",
		l.composite, l.owner, l.timestamp); err != nil {
		return err
	}
	if after.end == math.MaxInt64 && l.first > 0 {
		timestamp, err := t.timestampOf(l.first)
		if err != nil {
			return err
		}
		if err := t.addFirst(keyed{l.composite, l.owner, version{timestamp, l.first, false}}); err != nil {
			return err
		}
	}
	return t.reclaim(l.composite, l.owner)
}

// firstsUnknown reports whether a record attached to a key while it was not known of each claim
// when it was seen first.
func (c *conn) firstsUnknown(composite, idx int64) (bool, error) {
	return c.one(nil, "SELECT 1 FROM late_releases WHERE composite = ? AND idx <= ? AND (done = 0 OR done >= ?) LIMIT 1", composite, idx, idx)
}
