package store

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/lf-store/lf/protocol"
)

// Info says how far a record that is here has come. Index is an attached record's local index, 1 for the first.
type Info struct {
	State State
	Index uint64
}

// Get returns a record, attached, pending or held; [ErrNotFound] if it is none of these.
func (s *Store) Get(ctx context.Context, id protocol.ID) (r *protocol.Record, info Info, err error) {
	err = s.read(ctx, func(c *conn) error {
		idx, err := c.index(id)
		if err != nil {
			return err
		}
		if idx > 0 {
			info = Info{Attached, uint64(idx)}
			r, err = c.record(idx)
			return err
		}
		for state, sql := range map[State]string{
			Pending: "SELECT header, value FROM pending WHERE id = ?",
			Held:    "SELECT header, value FROM held WHERE id = ?",
		} {
			found, err := c.decode(&r, sql, id[:])
			if found || err != nil {
				info = Info{State: state}
				return err
			}
		}
		return ErrNotFound
	})
	return r, info, err
}

// record returns an attached record.
func (c *conn) record(idx int64) (r *protocol.Record, err error) {
	found, err := c.decode(&r, "SELECT header, value FROM records WHERE idx = ?", idx)
	if err == nil && !found {
		err = errLayout
	}
	return r, err
}

func (c *conn) decode(into **protocol.Record, sql string, arg driver.Value) (bool, error) {
	var header, value []byte
	found, err := c.one(func(r *rows) { header, value = r.blob(0), r.blob(1) }, sql, arg)
	if err != nil || !found {
		return false, err
	}
	if *into, err = protocol.DecodeRecord(header, value); err != nil {
		err = errors.Join(errLayout, err)
	}
	return true, err
}

// idOf returns the ID of an attached record.
func (c *conn) idOf(idx int64) (id protocol.ID, err error) {
	found, err := c.one(func(r *rows) { id = sha256.Sum256(r.blob(0)) }, "SELECT header FROM records WHERE idx = ?", idx)
	if err == nil && !found {
		err = errLayout
	}
	return id, err
}

func (c *conn) idsOf(indices []int64) ([]protocol.ID, error) {
	ids := make([]protocol.ID, len(indices))
	for i, idx := range indices {
		id, err := c.idOf(idx)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// Unknown returns those of the IDs whose records are not here in any state, in their order.
func (s *Store) Unknown(ctx context.Context, ids []protocol.ID) (unknown []protocol.ID, err error) {
	err = s.read(ctx, func(c *conn) error {
		for _, id := range ids {
			here, err := c.here(id)
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

func (c *conn) here(id protocol.ID) (bool, error) {
	idx, err := c.index(id)
	if idx > 0 || err != nil {
		return idx > 0, err
	}
	pending, err := c.isPending(id)
	if pending || err != nil {
		return pending, err
	}
	return c.isHeld(id)
}

// Missing returns at most limit wanted records: ancestors that pending records wait for and that are not here. Where there are
// more, each call begins somewhere else, so that those nobody has do not hide the others.
func (s *Store) Missing(ctx context.Context, limit int) (missing []protocol.ID, err error) {
	if limit <= 0 {
		return nil, nil
	}
	var start protocol.ID
	for i := range start {
		start[i] = byte(rand.Uint32())
	}
	err = s.read(ctx, func(c *conn) error {
		for _, sql := range []string{
			"SELECT id FROM wanted WHERE id >= ? ORDER BY id LIMIT ?",
			"SELECT id FROM wanted WHERE id < ? ORDER BY id LIMIT ?",
		} {
			if err := c.each(func(r *rows) error {
				missing = append(missing, protocol.ID(r.blob(0)))
				return nil
			}, sql, start[:], int64(limit-len(missing))); err != nil {
				return err
			}
		}
		return nil
	})
	return missing, err
}

// Tips returns at most limit tips, the newest timestamps first.
func (s *Store) Tips(ctx context.Context, limit int) (tips []protocol.ID, err error) {
	err = s.read(ctx, func(c *conn) error {
		places, err := c.tips(math.MaxInt64, limit)
		if err != nil {
			return err
		}
		tips, err = c.idsOf(indicesOf(places))
		return err
	})
	return tips, err
}

// tips returns the newest tips that are not newer than a time.
func (c *conn) tips(until int64, limit int) ([]place, error) {
	return c.places("SELECT idx, timestamp FROM tips WHERE timestamp <= ? ORDER BY timestamp DESC, idx DESC LIMIT ?", until, int64(limit))
}

func (c *conn) places(sql string, args ...driver.Value) (places []place, err error) {
	err = c.each(func(r *rows) error {
		places = append(places, place{r.int(0), r.int(1)})
		return nil
	}, sql, args...)
	return places, err
}

func indicesOf(places []place) []int64 {
	indices := make([]int64, len(places))
	for i, p := range places {
		indices[i] = p.idx
	}
	return indices
}

// Links returns count records for a new record to link to, and the newest timestamp among them, which the new record
// must not precede. They are drawn at random from the newest tips that are not ahead of now; where these are too few, from the
// latest attached records, and at last, on a node whose clock is behind its network's genesis, from the genesis.
func (s *Store) Links(ctx context.Context, count int, now uint64) (links []protocol.ID, newest uint64, err error) {
	err = s.read(ctx, func(c *conn) error {
		chosen, err := c.chooseLinks(count, int64(min(now, math.MaxInt64)))
		if err != nil {
			return err
		}
		for _, p := range chosen {
			newest = max(newest, uint64(p.timestamp))
		}
		links, err = c.idsOf(indicesOf(chosen))
		return err
	})
	return links, newest, err
}

func (c *conn) chooseLinks(count int, now int64) ([]place, error) {
	count = max(0, min(count, protocol.MaxLinks))
	chosen, err := c.tips(now, recentTips)
	if err != nil {
		return nil, err
	}
	rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	chosen = chosen[:min(count, len(chosen))]
	for _, more := range []string{
		"SELECT idx, timestamp FROM (SELECT * FROM dag ORDER BY idx DESC LIMIT ?2) WHERE timestamp <= ?1 ORDER BY idx DESC",
		"SELECT idx, timestamp FROM dag WHERE timestamp <= ?1 ORDER BY idx LIMIT ?2",
		"SELECT idx, timestamp FROM dag WHERE ?1 >= 0 ORDER BY idx LIMIT ?2",
	} {
		if len(chosen) == count {
			break
		}
		places, err := c.places(more, max(now, 0), int64(recentTips))
		if err != nil {
			return nil, err
		}
		chosen = fill(chosen, places, count)
	}
	return chosen, nil
}

// fill adds places that are not chosen yet until there are count.
func fill(chosen, places []place, count int) []place {
	has := map[int64]bool{}
	for _, p := range chosen {
		has[p.idx] = true
	}
	for _, p := range places {
		if len(chosen) == count {
			break
		}
		if !has[p.idx] {
			has[p.idx], chosen = true, append(chosen, p)
		}
	}
	return chosen
}
