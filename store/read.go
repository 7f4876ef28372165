package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// Info says how far a record that is here has come. Index is an attached record's local index, 1
// for the first, and Weight the work of it and of all its descendants.
type Info struct {
	State  State
	Index  uint64
	Weight uint64
	// Hidden says that no query considers the record: it rests on a certificate that was revoked.
	Hidden bool
}

// Get returns a record, attached, pending or held; [ErrNotFound] if it is none of these. Where its
// bytes are damaged the error is a [*DamagedError], and info is as far as it is known.
func (s *Store) Get(ctx context.Context, id protocol.ID) (r *protocol.Record, info Info, err error) {
	err = s.read(ctx, func(c *conn) error {
		idx, err := c.index(id)
		if err != nil {
			return err
		}
		if idx > 0 {
			info = Info{State: Attached, Index: uint64(idx), Weight: c.weight(idx)}
			if r, err = c.frame(idx); err != nil {
				return err
			}
			info.Hidden, err = (&certChecker{conn: c, network: s.network, spend: free}).isHidden(r, idx)
			return err
		}
		for state, sql := range map[State]string{
			Pending: "SELECT id, header, value FROM pending WHERE id = ?",
			Held:    "SELECT id, header, value FROM held WHERE id = ?",
		} {
			queued, found, err := c.queued(sql, id[:])
			if found || err != nil {
				r, info = queued, Info{State: state}
				return err
			}
		}
		return ErrNotFound
	})
	return r, info, err
}

// Match is what there is of the records whose IDs begin with the same bytes.
type Match = intake.Match

// ByPrefix returns the records whose IDs begin with each of some prefixes, of 8 to 32 bytes,
// whether attached, pending or held. Where the only one is damaged, the match's error is a
// [*DamagedError].
func (s *Store) ByPrefix(ctx context.Context, prefixes [][]byte) ([]Match, error) {
	for _, p := range prefixes {
		if len(p) < prefixSize || len(p) > len(protocol.ID{}) {
			return nil, fmt.Errorf("%w: a prefix has %d to %d bytes, not %d", ErrBadQuery, prefixSize, len(protocol.ID{}), len(p))
		}
	}
	matches := make([]Match, len(prefixes))
	err := s.read(ctx, func(c *conn) error {
		queues, err := c.usedQueues()
		for i := 0; err == nil && i < len(prefixes); i++ {
			if matches[i], err = c.byPrefix(prefixes[i], queues); err == nil {
				err = ctx.Err()
			}
		}
		return err
	})
	return matches, err
}

const prefixSize = 8

// usedQueues returns the tables of those that are not attached and have records. Mostly they have
// none.
func (c *conn) usedQueues() (names []string, err error) {
	_, err = c.one(func(r *rows) {
		for i, name := range []string{"pending", "held"} {
			if r.int(i) > 0 {
				names = append(names, name)
			}
		}
	}, "SELECT EXISTS (SELECT 1 FROM pending), EXISTS (SELECT 1 FROM held)")
	return names, err
}

func (c *conn) byPrefix(beginning []byte, queues []string) (m Match, err error) {
	look := func(idx int64, s stored) error {
		r, id, err := c.readFrame(idx, s)
		if err != nil && asDamaged(err) == nil {
			return err
		}
		if !bytes.HasPrefix(id[:], beginning) {
			return nil
		}
		if m = (Match{Record: r, Count: m.Count + 1, Err: err}); m.Count == 2 {
			return errStop
		}
		return nil
	}
	err = c.recordsWith(beginning, func(idx int64) (bool, error) {
		s, found, err := c.stored(idx)
		if found && err == nil {
			err = look(idx, s)
		}
		return err == nil, ignoreStop(err)
	})
	for _, queue := range queues {
		if err == nil && m.Count < 2 {
			last := bytes.Repeat([]byte{0xff}, len(protocol.ID{})) // the last ID that begins so
			copy(last, beginning)
			err = ignoreStop(c.each(func(row *rows) error {
				var s stored
				s.read(row, 0)
				return look(0, s)
			}, "SELECT id, header, value FROM "+queue+" WHERE id BETWEEN ? AND ? LIMIT 2", beginning, last))
		}
	}
	if err != nil || m.Count == 2 {
		return Match{Count: m.Count}, err
	}
	return m, nil
}

// readFrame verifies what was read of an attached record, or with index 0 of another one, and
// returns its ID, damaged or not.
func (c *conn) readFrame(idx int64, s stored) (r *protocol.Record, id protocol.ID, err error) {
	if idx > 0 {
		r, err = c.verified(idx, s)
	} else {
		r, err = verify(s)
	}
	if d := asDamaged(err); d != nil {
		return nil, d.ID, err
	} else if err != nil {
		return nil, id, err
	}
	return r, r.ID(), nil
}

// Unknown returns those of the IDs whose records are not here in any state, in their order.
func (s *Store) Unknown(ctx context.Context, ids []protocol.ID) (unknown []protocol.ID, err error) {
	err = s.read(ctx, func(c *conn) error {
		for _, id := range ids {
			here, err := c.isHere(id)
			if err != nil {
				return err
			}
			if !here {
				unknown = append(unknown, id)
			}
		}
		return ctx.Err()
	})
	return unknown, err
}

func (c *conn) isHere(id protocol.ID) (bool, error) {
	idx, err := c.index(id)
	if idx > 0 || err != nil {
		return idx > 0, err
	}
	pending, err := c.one(nil, "SELECT 1 FROM pending WHERE id = ?", id[:])
	if pending || err != nil {
		return pending, err
	}
	return c.isHeld(id)
}

// Missing returns at most limit wanted records: ancestors that pending records wait for and that
// are not here. Where there are more, each call begins somewhere else, so that those nobody has do
// not hide the others.
func (s *Store) Missing(ctx context.Context, limit int) (missing []protocol.ID, err error) {
	if limit <= 0 {
		return nil, nil
	}
	wanted := s.waits.sample(limit)
	err = s.read(ctx, func(c *conn) error {
		for seq, keys := range wanted {
			links, err := c.missingLinks(seq) // none where the record came or went in this moment
			if err != nil {
				return err
			}
			for _, id := range links {
				if slices.Contains(keys, s.waits.key(id)) {
					missing = append(missing, id)
				}
			}
		}
		return ctx.Err()
	})
	return missing, err
}

// Tips returns at most limit tips, those with the greatest past work first. A record that was just
// written is among them, and one that links only ancient records is not.
func (s *Store) Tips(ctx context.Context, limit int) (tips []protocol.ID, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each(func(r *rows) error {
			id, err := c.idOf(r.int(0))
			tips = append(tips, id)
			return err
		}, `SELECT idx, past FROM (SELECT * FROM tips WHERE reputable = 1 ORDER BY past DESC, idx LIMIT ?1)
			UNION ALL SELECT idx, past FROM (SELECT * FROM tips WHERE reputable = 0 ORDER BY past DESC, idx LIMIT ?1)
			ORDER BY past DESC, idx LIMIT ?1`, int64(limit))
	})
	return tips, err
}
