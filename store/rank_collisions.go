package store

import (
	"context"
	"errors"

	"github.com/lf-store/lf/protocol"
)

// Collision is a composite key that several owners have claimed, with the claims that stand, at
// least one. A query with the default policy and no oracles explains them so. One may be left
// alone: then what was said against it is over.
type Collision struct {
	Composite protocol.CompositeID
	Claims    []Claim
}

// Collisions returns at most limit composite keys that have versions of two owners or more, one of
// them among the records after an index. It also returns the index to go on after, which is the
// same one where there are no more records. A call looks at a bounded number of records, so the
// list may be empty and next greater than after. Keys that are too crowded to be ranked are left
// out.
func (s *Store) Collisions(ctx context.Context, after uint64, limit int) (list []Collision, next uint64, err error) {
	next = after
	err = s.read(ctx, func(c *conn) error {
		seen := map[protocol.CompositeID]bool{}
		from := int64(min(after, 1<<62))
		return c.eachStored(from, from+collisionsWalked, func(idx int64, row stored) error {
			if len(list) >= limit {
				return errStop
			}
			next = uint64(idx)
			record, err := headerOf(c.verified(idx, row))
			switch {
			case asDamaged(err) != nil:
				return nil //nolint:nilerr // it was noted; what it says is left out
			case err != nil:
				return err
			}
			if id := record.CompositeID(); answered(record.Type) && !seen[id] {
				seen[id] = true
				found, err := s.collision(ctx, c, record)
				list = append(list, found...)
				return err
			}
			return nil
		})
	})
	return list, next, ignoreStop(err)
}

// haveSeveralOwners reports whether the versions under a composite key have.
func (c *conn) haveSeveralOwners(composite int64) (several bool, err error) {
	first, found, err := c.firstVersion(versionsUnder(composite))
	if found {
		_, several, err = c.firstVersion(versionsAfter(composite, first.owner))
	}
	return several, err
}

// collision returns the collision on a record's composite key, if there is one.
func (s *Store) collision(ctx context.Context, c *conn, r *protocol.Record) ([]Collision, error) {
	id := r.CompositeID()
	several, err := c.haveSeveralOwners(prefix(id[:]))
	if err != nil || !several {
		return nil, err
	}
	q := Query{Explain: true}
	for _, p := range r.Selectors {
		q.Where = append(q.Where, Range{p.Key, p.Ordinal, p.Ordinal})
	}
	x := s.newSearch(ctx, q)
	x.listed = maxCollided
	switch err := x.run(c); {
	case errors.Is(err, ErrTooBroad):
		return nil, nil
	case err != nil:
		return nil, err
	case len(x.answers.Keys) == 0 || x.answers.Keys[0].Damaged != nil:
		return nil, nil //nolint:nilerr // nobody knows who claims what
	}
	return []Collision{{id, x.answers.Keys[0].Claims}}, nil
}
