package store

import (
	"bytes"
	"context"
	"math"

	"github.com/lf-store/lf/protocol"
)

// Newest returns when the owner's newest version under a composite key was made, in milliseconds: a
// datum, a tombstone or a release. It is 0 where there is none. Hidden versions do not count. Where
// the record is damaged the error is a [*DamagedError]: nothing is built on what cannot be shown.
func (s *Store) Newest(ctx context.Context, owner protocol.Owner, points []protocol.SelectorPoint) (at uint64, err error) {
	err = s.walkVersions(ctx, owner, points, 0, func(v *Version) (bool, error) {
		if v.Damaged != nil {
			return false, v.Damaged
		}
		at = v.Time()
		return false, nil
	})
	return at, err
}

// Superseded reports whether the owner of an attached record has a newer version under the same
// key, so that the record is not the owner's answer. Hidden versions do not count.
func (s *Store) Superseded(ctx context.Context, r *protocol.Record) (superseded bool, err error) {
	points := make([]protocol.SelectorPoint, len(r.Selectors))
	for i, sel := range r.Selectors {
		points[i] = protocol.SelectorPoint{Key: sel.Key, Ordinal: sel.Ordinal}
	}
	err = s.walkVersions(ctx, r.Owner, points, r.Timestamp, func(v *Version) (bool, error) {
		superseded = supersedes(v, r)
		return !superseded, nil
	})
	return superseded, err
}

// supersedes reports whether a version that is not older than a record comes before it.
func supersedes(v *Version, r *protocol.Record) bool {
	if v.Time() > r.Timestamp {
		return true
	}
	a, b := v.Record.SignedHash(), r.SignedHash()
	if a == b { // the record itself, or a twin
		return false
	}
	if v.Record.Type != r.Type { // of the same moment a release withdraws
		return v.Record.Type == protocol.TypeRelease
	}
	return bytes.Compare(a[:], b[:]) > 0
}

// walkVersions goes through an owner's visible versions under a composite key that are not older
// than since, newest first, as long as visit wants more.
func (s *Store) walkVersions(ctx context.Context, owner protocol.Owner, points []protocol.SelectorPoint, since uint64, visit func(*Version) (more bool, err error)) error {
	q := Query{Owners: []protocol.Owner{owner}, Since: since, Where: make([]Range, len(points))}
	for i, p := range points {
		q.Where[i] = Range{Key: p.Key, From: p.Ordinal, To: p.Ordinal}
	}
	if err := q.check(); err != nil {
		return err
	}
	x := s.newSearch(ctx, q)
	return s.read(ctx, func(c *conn) error {
		if err := x.begin(c); err != nil {
			return err
		}
		if err := x.findOwners(); err != nil || len(x.owners) == 0 {
			return err
		}
		rk := &ranking{search: x, keyMatch: matchOf(points), careful: true}
		return rk.walkOwner(x.owners[0], visit)
	})
}

// walkOwner is walkVersions for one owner, by number.
func (rk *ranking) walkOwner(owner int64, visit func(*Version) (more bool, err error)) error {
	first := true
	return rk.versionsOf(rk.composite, owner, rk.since, math.MaxInt64, func(v version) (bool, error) {
		if first { // all may be gone
			first = false
			if gone, err := rk.isGone(&candidate{ownerVersions: ownerVersions{owner, []version{v}}}); gone || err != nil {
				return false, err
			}
		}
		r, err := rk.visible(v.idx)
		if err != nil || r == nil {
			return err == nil, err
		}
		if int64(r.Timestamp) != v.timestamp {
			rk.damage.noteIndex(v.idx, "a row of versions")
			return false, &DamagedError{ID: r.ID(), Index: uint64(v.idx), Record: r}
		}
		return visit(rk.newVersion(r, v))
	})
}
