package store

import (
	"math"

	"github.com/lf-store/lf/protocol"
)

// keepClaim keeps the row of the claim that a new version is of. It is called when the version is
// in all other tables.
func (t *tx) keepClaim(e *entry, at place) error {
	if e.alone || len(e.rows) == 0 {
		return nil
	}
	var keys []crowdedKey
	if !t.noneCrowded {
		var err error
		if keys, err = t.crowdedKeys(e.composite); err != nil {
			return err
		}
	}
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	id, known := e.CompositeID(), false
	for i := range keys {
		k := &keys[i]
		if k.id == id {
			known = true
		}
		switch {
		case !k.covers(owner):
		case k.id == id:
			err = t.keepVersion(k, owner, e, at)
		default: // a key with the same prefix: the owner's versions there are mixed with those here
			err = t.rewriteClaim(k, owner)
		}
		if err != nil {
			return err
		}
	}
	if known || e.Type != protocol.TypeDatum {
		return nil
	}
	return t.crowdKey(e)
}

// crowdKey begins to keep rows for a key that has become crowded.
func (t *tx) crowdKey(e *entry) error {
	crowded, err := t.one(nil, "SELECT 1 FROM firsts WHERE composite = ? LIMIT 1 OFFSET ?", e.composite, int64(t.store.options.tuning.crowded-1))
	if err != nil || !crowded {
		return err
	}
	return t.addCrowded(e.composite, e.CompositeID())
}

func (t *tx) addCrowded(composite int64, id protocol.CompositeID) error {
	if _, err := t.exec("INSERT OR IGNORE INTO crowded (composite, id, claims, built) VALUES (?, ?, 0, 0)", composite, id[:]); err != nil {
		return err
	}
	number, err := t.number("SELECT number FROM crowded WHERE id = ?", id[:])
	if err != nil {
		return err
	}
	_, err = t.buildClaims(number)
	return err
}

// keepVersion keeps the row of a claim with a new version, and reads no records unless it has to.
func (t *tx) keepVersion(k *crowdedKey, owner int64, e *entry, at place) error {
	had, found, err := t.claimRow(k.number, owner)
	if err != nil {
		return err
	}
	had.crowd, had.owner = k.number, owner
	if e.Type == protocol.TypeDatum {
		if _, err := t.exec("INSERT OR IGNORE INTO unlinked VALUES (?, ?, ?)", at.idx, k.number, owner); err != nil {
			return err
		}
	}
	simple, err := t.isSimple(k, &had, found, e, at)
	if err != nil {
		return err
	}
	if !simple {
		return t.rewriteClaim(k, owner)
	}
	if !found {
		w := claimRow{crowd: k.number, owner: owner, quiet: 1, lead: weightOf(e)}
		w.answers(e.Record, at.idx)
		w.see(newFirstSeen(e.seen, at.timestamp, t.store.network))
		if w.rank, err = t.rankOf(k, e.Owner, &w); err != nil {
			return err
		}
		return t.writeClaim(w, nil)
	}
	return t.extendClaim(k, had, e, at)
}

// isSimple reports whether the row follows from what it was and the new version: all of the owner's
// versions count.
func (t *tx) isSimple(k *crowdedKey, had *claimRow, found bool, e *entry, at place) (bool, error) {
	if len(t.store.network.Authorities()) > 0 {
		if hiding, err := t.anyRevoked(); err != nil || hiding {
			if err != nil || t.store.network.NeedsCertificate(e.Record) {
				return false, err
			}
		}
	}
	if !found { // a release, or strangers before it
		another := false
		err := t.eachVersion(versionsBy(k.composite, had.owner, math.MinInt64, math.MaxInt64), func(v keyed) error {
			another = v.idx != at.idx
			return stopUnless(!another, nil)
		})
		err = ignoreStop(err)
		return e.Type == protocol.TypeDatum && !another, err
	}
	return had.stands() && had.careful == 0 && had.late != unknownSight && at.timestamp != had.timestamp, nil
}

// extendClaim changes the row of a claim that stands for a new version with another time than the
// answering one.
func (t *tx) extendClaim(k *crowdedKey, had claimRow, e *entry, at place) (err error) {
	w := had
	if e.Type == protocol.TypeRelease {
		if at.timestamp < had.timestamp {
			return t.rewriteClaim(k, had.owner)
		}
		w.rank, w.late = fallen, noSight
		return t.writeClaim(w, &had)
	}
	release, found, err := t.firstVersion(releasesBy(k.composite, had.owner, math.MinInt64, math.MaxInt64))
	if err != nil || found && release.timestamp >= at.timestamp {
		return err
	}
	w.lead = max(w.lead, weightOf(e)-t.workUnless(w.quiet))
	if s := newFirstSeen(e.seen, at.timestamp, t.store.network); s.seen < w.seen {
		w.see(s)
	}
	if at.timestamp > had.timestamp {
		w.answers(e.Record, at.idx)
		if w.rank, err = t.rankOf(k, e.Owner, &w); err != nil {
			return err
		}
	}
	return t.writeClaim(w, &had)
}

func (t *tx) workUnless(quiet int64) int64 {
	if quiet == 1 {
		return 0
	}
	return t.work()
}

// noSight is claimRow.late where no claim stands.
const noSight = 3

// weightOf is a new record's weight: nothing builds on it yet.
func weightOf(e *entry) int64 { return int64(workOf(e.Record)) }

// linkClaims says of the claims whose versions a new record is the first to link that their weight
// changes from now on.
func (t *tx) linkClaims(e *entry, parents []place) error {
	t.linking = parents
	if t.noneCrowded {
		return nil
	}
	for _, p := range parents {
		var crowd, owner int64
		found, err := t.one(func(r *rows) { crowd, owner = r.int(0), r.int(1) }, "SELECT crowd, owner FROM unlinked WHERE idx = ?", p.idx)
		if err != nil || !found {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := t.exec("DELETE FROM unlinked WHERE idx = ?", p.idx); err != nil {
			return err
		}
		had, found, err := t.claimRow(crowd, owner)
		if err != nil {
			return err
		}
		if !found || had.quiet == 0 {
			continue
		}
		w := had
		w.quiet = 0
		if w.stands() {
			w.lead += weightOf(e) - t.work()
		}
		if err := t.writeClaim(w, &had); err != nil {
			return err
		}
	}
	return nil
}
