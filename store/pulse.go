package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// PulsedRecord returns an attached record, and whether its claim stands with it. Then no release
// withdraws the record, and the newest version of the claim does not delete. It reports false where
// the record is not attached, or damaged.
func (s *Store) PulsedRecord(ctx context.Context, id protocol.ID) (p intake.Pulsed, found bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		idx, err := c.index(id)
		if err != nil || idx == 0 {
			return err
		}
		r, sound, err := ifSound(c.frame(idx))
		if err != nil || !sound {
			return err
		}
		p = intake.Pulsed{Record: r, Index: uint64(idx)}
		found = true
		p.Stands, err = c.claimStands(r, idx)
		return err
	})
	return p, found && err == nil, err
}

// claimStands reports whether a datum counts for a claim of its owner's that is not deleted.
func (c *conn) claimStands(r *protocol.Record, idx int64) (stands bool, err error) {
	if r.Type != protocol.TypeDatum || r.Value == nil {
		return false, nil
	}
	owner, err := c.ownerNumber(r.Owner)
	if err != nil {
		return false, err
	}
	id := r.CompositeID()
	composite := prefix(id[:])
	_, withdrawn, err := c.firstVersion(releasesBy(composite, owner, int64(r.Timestamp), math.MaxInt64))
	if withdrawn || err != nil {
		return false, err
	}
	newest, found, err := c.firstVersion(versionsBy(composite, owner, math.MinInt64, math.MaxInt64))
	if err != nil {
		return false, err
	}
	if !found || newest.idx == idx {
		return true, nil
	}
	last, sound, err := ifSound(headerOf(c.frame(newest.idx)))
	return err == nil && (!sound || !last.Tombstone()), err // what a damaged one says is not known
}

// ifSound returns a record unless it is damaged, which is no error here: the rest goes on.
func ifSound(r *protocol.Record, err error) (*protocol.Record, bool, error) {
	if asDamaged(err) != nil {
		return nil, false, nil //nolint:nilerr // the damage is noted where the record was read
	}
	return r, err == nil, err
}

// Pulses yields the pulses that are kept, each with its record, in no order. Damaged records are
// left out.
func (s *Store) Pulses(ctx context.Context, yield func(protocol.Pulse, intake.Pulsed)) error {
	for after := int64(0); after >= 0; {
		if err := s.read(ctx, func(c *conn) (err error) {
			after, err = c.pulsesAfter(ctx, after, yield)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// pulsesAfter yields the pulses of a few records after one, and returns the last of them. At the
// end it returns −1.
func (c *conn) pulsesAfter(ctx context.Context, after int64, yield func(protocol.Pulse, intake.Pulsed)) (last int64, err error) {
	last, rows := after, 0
	err = c.eachPulse(after, func(idx int64, p protocol.Pulse) error {
		if rows == pulsesAtOnce {
			return errStop
		}
		last, rows = idx, rows+1
		r, sound, err := ifSound(c.frame(idx))
		if err != nil || !sound {
			return err
		}
		p.Record = r.ID()
		stands, err := c.claimStands(r, idx)
		if err == nil {
			yield(p, intake.Pulsed{Record: r, Index: uint64(idx), Stands: stands})
		}
		return err
	})
	switch {
	case errors.Is(err, errStop):
		return last, ctx.Err()
	case err != nil:
		return last, err
	}
	return -1, nil
}

// eachPulse goes through the rows of records after one. It fills in no records.
func (c *conn) eachPulse(after int64, do func(idx int64, p protocol.Pulse) error) error {
	return c.each(func(r *rows) error {
		p := protocol.Pulse{Second: uint64(r.int(1))}
		copy(p.Signature[:], r.blob(2))
		return do(r.int(0), p)
	}, "SELECT idx, second, signature FROM pulses WHERE idx > ? ORDER BY idx", after)
}

// KeepPulses keeps pulses, each in place of the one of the same record, and forgets those of the
// records with other indices. It takes small steps, between which others write.
func (s *Store) KeepPulses(ctx context.Context, keep []intake.KeptPulse, forget []uint64) error {
	// neighbors share pages
	slices.SortFunc(keep, func(a, b intake.KeptPulse) int { return int(int64(a.Index) - int64(b.Index)) })
	slices.Sort(forget)
	r := &request{}
	for part := range slices.Chunk(forget, pulseStep) {
		r.steps = append(r.steps, func(t *tx) error { return t.forgetPulses(part) })
	}
	for part := range slices.Chunk(keep, pulseStep) {
		r.steps = append(r.steps, func(t *tx) error { return t.keepPulses(part) })
	}
	if len(r.steps) == 0 {
		return nil
	}
	errs, err := s.submit(ctx, r)
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return err
}

func (t *tx) forgetPulses(indices []uint64) error {
	for _, idx := range indices {
		if _, err := t.exec("DELETE FROM pulses WHERE idx = ?", int64(idx)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepPulses(list []intake.KeptPulse) error {
	for i := range list {
		p := &list[i]
		if _, err := t.exec("INSERT OR REPLACE INTO pulses VALUES (?, ?, ?)", int64(p.Index), int64(p.Second), p.Signature[:]); err != nil {
			return err
		}
	}
	return nil
}
