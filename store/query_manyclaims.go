package store

import (
	"math"

	"github.com/lf-store/lf/protocol"
)

// The rows of a crowded key cannot answer every query. They answer none with a range of time, no
// open one, and none with authorities or oracles that the reader names. They answer nothing while
// they are being written. Such a query ranks all claims. Here it reads them all at once, in the
// order of the index, at a third of the cost of looking each up. The cost grows with the number of
// claims. Beyond about 100,000 the answer is [ErrTooBroad], unless the query names owners.

// areMany reports whether reading all claims is cheaper than looking each up.
func (rk *ranking) areMany(list []*candidate) bool {
	return !rk.careful && len(list) > rk.manyClaims && 2*len(list) > len(rk.candidates) && rk.owners == nil
}

// measureMany finds out what a criterion says of many claims. Claims that it leaves are looked up.
func (rk *ranking) measureMany(list []*candidate, by protocol.Criterion) error {
	switch {
	case !rk.areMany(list):
		return nil
	case by == protocol.CriterionWeight && rk.since <= 0:
		return rk.measureWeights(list)
	case by == protocol.CriterionOracles && len(rk.oracles) > 0:
		return rk.measureObjections(list)
	}
	return nil
}

// measureWeights reads the roots of all claims under the key, but for owners with many roots or
// releases: these are left.
func (rk *ranking) measureWeights(list []*candidate) error {
	releases, left := map[int64]int64{}, map[int64]bool{}
	if err := rk.eachOwned(left, func(after int64, count func(owner int64) error) error {
		return rk.eachVersion(releasesAfter(rk.composite, after), func(v keyed) error {
			if err := count(v.owner); err != nil || v.timestamp > rk.until {
				return err
			}
			releases[v.owner] = max(releases[v.owner], v.timestamp)
			return nil
		})
	}); err != nil {
		return err
	}
	byOwner := make(map[int64]*candidate, len(list))
	for _, c := range list {
		byOwner[c.owner] = c
	}
	read := func(r *rows) {
		c, timestamp := byOwner[r.int(0)], r.int(1)
		release, released := releases[r.int(0)]
		if !released {
			release = math.MinInt64
		}
		switch {
		case c == nil || timestamp > rk.until || timestamp < release:
		case r.int(3) != 0:
			left[c.owner] = true
		case timestamp > release:
			c.standing.Weight = max(c.standing.Weight, rk.weight(r.int(2)))
			c.known |= bitOf(protocol.CriterionWeight)
		}
	}
	if err := rk.eachOwned(left, func(after int64, count func(owner int64) error) error {
		return rk.each(func(r *rows) error {
			err := count(r.int(0))
			if err == nil {
				read(r)
			}
			return err
		}, "SELECT owner, timestamp, idx, walk FROM roots WHERE composite = ? AND owner > ? ORDER BY owner", rk.composite, after)
	}); err != nil {
		return err
	}
	for owner := range left {
		if c := byOwner[owner]; c != nil {
			c.known &^= bitOf(protocol.CriterionWeight)
		}
	}
	return nil
}

// eachOwned has rows visited in the order of their owners. visit begins after an owner, and calls
// count with each row's owner before it uses the row. eachOwned notes each owner with more than
// rootsRead rows, and steps over the rest of that owner's.
func (rk *ranking) eachOwned(many map[int64]bool, visit func(after int64, count func(owner int64) error) error) error {
	for after, on := int64(0), true; on; {
		on = false
		owner, rows := int64(0), 0
		err := visit(after, func(of int64) error {
			if of != owner {
				owner, rows = of, 0
			}
			if rows++; rows > rk.rootsRead {
				many[owner], after, on = true, owner, true
				return errStop
			}
			return rk.spend(1)
		})
		if err = ignoreStop(err); err != nil {
			return err
		}
	}
	return nil
}

// measureObjections reads what the oracles say about the key, whoever it is about.
func (rk *ranking) measureObjections(list []*candidate) error {
	if err := rk.load(list[0]); err != nil {
		return err
	}
	objections := map[int64]int{}
	for _, oracle := range rk.oracles {
		topic := topicOf(oracle, list[0].claim.Record.CompositeID())
		if err := rk.each(func(r *rows) error {
			if len(r.blob(0)) != len(protocol.Owner{}) {
				return errLayout
			}
			number, err := rk.ownerNumber(protocol.Owner(r.blob(0)))
			if err != nil {
				return err
			}
			objections[number]++
			return rk.spend(1)
		}, "SELECT owner FROM words WHERE topic = ? AND objects = 1", topic[:]); err != nil {
			return err
		}
	}
	for _, c := range list {
		c.standing.Elected, c.standing.Objections = len(rk.oracles), objections[c.owner]
		c.known |= bitOf(protocol.CriterionOracles)
	}
	return nil
}
