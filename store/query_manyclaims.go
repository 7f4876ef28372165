package store

import (
	"database/sql/driver"
	"math"

	"github.com/lf-store/lf/protocol"
)

// The rows of a crowded key cannot answer every query: none with a range of time, no open one, and
// none with authorities or oracles that the reader names; and nothing while the rows are being
// written. Such a query ranks all claims. Here it reads them all at once, in the order of the
// index, at a third of the cost of looking each up. The cost grows with the number of claims.
// Beyond about 100,000 the answer is [ErrTooBroad], unless the query names owners.

// crowded reports whether claims are so many that reading all is cheaper than looking each up.
func (h *hearing) crowded(list []*contender) bool {
	return !h.careful && len(list) > h.crowd && 2*len(list) > len(h.contenders) && h.owners == nil
}

// measureCrowd finds out what a criterion says of many claims. What it leaves is looked up.
func (h *hearing) measureCrowd(list []*contender, by protocol.Criterion) error {
	switch {
	case !h.crowded(list):
		return nil
	case by == protocol.CriterionWeight && h.since <= 0:
		return h.weighCrowd(list)
	case by == protocol.CriterionOracles && len(h.oracles) > 0:
		return h.hearCrowd(list)
	}
	return nil
}

// weighCrowd reads the roots of all claims under the key, but for owners with many roots or
// releases: these are left.
func (h *hearing) weighCrowd(list []*contender) error {
	releases, left := map[int64]int64{}, map[int64]bool{}
	if err := h.eachOwned(left, func(r *rows) {
		releases[r.int(0)] = max(releases[r.int(0)], r.int(1))
	}, "SELECT owner, timestamp FROM versions INDEXED BY releases WHERE composite = ?1 AND owner > ?2 AND released = 1 AND timestamp <= ?3 ORDER BY owner", h.until); err != nil {
		return err
	}
	byOwner := make(map[int64]*contender, len(list))
	for _, c := range list {
		byOwner[c.owner] = c
	}
	if err := h.eachOwned(left, func(r *rows) {
		c, timestamp := byOwner[r.int(0)], r.int(1)
		release, released := releases[r.int(0)]
		if !released {
			release = math.MinInt64
		}
		switch {
		case c == nil || timestamp > h.until || timestamp < release:
		case r.int(3) != 0:
			left[c.owner] = true
		case timestamp > release:
			c.standing.Weight = max(c.standing.Weight, h.weight(r.int(2)))
			c.known |= bitOf(protocol.CriterionWeight)
		}
	}, "SELECT owner, timestamp, idx, walk FROM roots WHERE composite = ?1 AND owner > ?2 ORDER BY owner"); err != nil {
		return err
	}
	for owner := range left {
		if c := byOwner[owner]; c != nil {
			c.known &^= bitOf(protocol.CriterionWeight)
		}
	}
	return nil
}

// eachOwned visits rows under the key in the order of their owners. It notes each owner with more
// than rootsRead of them, and steps over the rest of that owner's.
func (h *hearing) eachOwned(many map[int64]bool, visit func(*rows), sql string, args ...driver.Value) error {
	for after, on := int64(0), true; on; {
		on = false
		owner, count := int64(0), 0
		err := h.each(func(r *rows) error {
			if r.int(0) != owner {
				owner, count = r.int(0), 0
			}
			if count++; count > h.rootsRead {
				many[owner], after, on = true, owner, true
				return errStop
			}
			visit(r)
			return h.spend(1)
		}, sql, append([]driver.Value{h.composite, after}, args...)...)
		if err = ignoreStop(err); err != nil {
			return err
		}
	}
	return nil
}

// hearCrowd reads what the oracles say about the key, whoever it is about.
func (h *hearing) hearCrowd(list []*contender) error {
	if err := h.load(list[0]); err != nil {
		return err
	}
	objections := map[int64]int{}
	for _, oracle := range h.oracles {
		topic := topicOf(oracle, list[0].claim.Record.CompositeID())
		if err := h.each(func(r *rows) error {
			if len(r.blob(0)) != len(protocol.Owner{}) {
				return errLayout
			}
			number, err := h.ownerNumber(protocol.Owner(r.blob(0)))
			if err != nil {
				return err
			}
			objections[number]++
			return h.spend(1)
		}, "SELECT owner FROM words WHERE topic = ? AND objects = 1", topic[:]); err != nil {
			return err
		}
	}
	for _, c := range list {
		c.standing.Elected, c.standing.Objections = len(h.oracles), objections[c.owner]
		c.known |= bitOf(protocol.CriterionOracles)
	}
	return nil
}
