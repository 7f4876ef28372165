package store

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// Written is an attached record in a list of its owner's.
type Written struct {
	Record *protocol.Record
	Info
	// Damaged is there where the record's bytes are damaged on this node's disk. Record then lacks
	// its value, or is nil.
	Damaged *DamagedError

	timestamp uint64 // as it is filed
}

// ID returns the record's ID, as far as it is known.
func (w *Written) ID() protocol.ID {
	if w.Record != nil {
		return w.Record.ID()
	}
	return w.Damaged.ID
}

// Position is where the next page begins if this is the last record of one.
func (w *Written) Position() WrittenPosition {
	p, id := WrittenPosition{Timestamp: w.timestamp}, w.ID()
	copy(p.Prefix[:], id[:])
	return p
}

// WrittenPosition is a place in the list of an owner's records.
type WrittenPosition struct {
	Timestamp uint64
	Prefix    [8]byte // how the record's ID begins
}

// WrittenBy returns an owner's attached records of all types, the newest timestamp first, and among
// equal ones the last to attach. They are at most limit (1 to 1,000), and fewer where they take
// more than 4 MiB. after is the [Written.Position] of the last record of the previous page, nil for
// the first one. more says that there are further records. The cost is that of the records on the
// page, and of those with the timestamp of after, however many there are elsewhere.
func (s *Store) WrittenBy(ctx context.Context, owner protocol.Owner, after *WrittenPosition, limit int) (list []Written, more bool, err error) {
	if limit < 1 || limit > maxWritten {
		return nil, false, fmt.Errorf("%w: a page has 1 to %d records, not %d", ErrBadQuery, maxWritten, limit)
	}
	err = s.read(ctx, func(c *conn) error {
		p := &writtenPage{conn: c, ctx: ctx, owner: owner, limit: limit, certs: &certChecker{
			conn: c, network: s.network, spend: free, revokedOwners: map[protocol.Owner]bool{}, decisive: map[string][]revocationRow{},
		}}
		err := p.read(after)
		list, more = p.list, p.more
		return err
	})
	return list, more, err
}

// writtenPage is a page while it is read.
type writtenPage struct {
	*conn
	ctx   context.Context
	owner protocol.Owner
	certs *certChecker
	limit int
	bytes int
	list  []Written
	more  bool
}

func (p *writtenPage) read(after *WrittenPosition) error {
	owner := prefix(p.owner[:])
	where, args := "", []int64{owner}
	if after != nil {
		at, err := p.find(owner, after)
		if err != nil {
			return err
		}
		where, args = " AND (timestamp, idx) < (?, ?)", append(args, int64(after.Timestamp), at)
	}
	return ignoreStop(p.each(func(r *rows) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		return p.add(r.int(0), r.int(1))
	}, "SELECT idx, timestamp FROM written WHERE owner = ?"+where+" ORDER BY timestamp DESC, idx DESC", integers(args)...))
}

// find finds the last record of the page before among those of its timestamp. Its ID may be damaged
// in any of the places that know it, so it is compared as it was listed. Where it is not found, it
// was repaired meanwhile, or this is another node: then all of that timestamp count as listed.
func (p *writtenPage) find(owner int64, after *WrittenPosition) (at int64, err error) {
	err = p.each(func(r *rows) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		w, err := p.written(r.int(0), int64(after.Timestamp))
		if err == nil && w.Position().Prefix == after.Prefix {
			at = r.int(0)
			err = errStop
		}
		return err
	}, "SELECT idx FROM written WHERE owner = ? AND timestamp = ?", owner, int64(after.Timestamp))
	return at, ignoreStop(err)
}

// written reads a record, or what is left of it.
func (p *writtenPage) written(idx, timestamp int64) (w Written, err error) {
	w = Written{Info: Info{State: Attached, Index: uint64(idx)}, timestamp: uint64(timestamp)}
	w.Record, err = p.frame(idx)
	if w.Damaged = asDamaged(err); w.Damaged != nil {
		w.Record, err = w.Damaged.Record, nil
	}
	return w, err
}

// add adds a record to the page, unless that is full or the record is another owner's whose key
// begins alike.
func (p *writtenPage) add(idx, timestamp int64) error {
	w, err := p.written(idx, timestamp)
	if err != nil {
		return err
	}
	if w.Record != nil && w.Record.Owner != p.owner {
		return nil
	}
	if len(p.list) == p.limit || len(p.list) > 0 && p.bytes >= maxWrittenBytes {
		p.more = true
		return errStop
	}
	w.Weight = p.weight(idx)
	if w.Record != nil {
		p.bytes += w.Record.WireSize()
		if w.Hidden, err = p.certs.isHidden(w.Record, idx); err != nil {
			return err
		}
	}
	p.list = append(p.list, w)
	return nil
}

// isFiled reports whether a record is listed among its owner's.
func (c *conn) isFiled(idx int64, r *protocol.Record) (bool, error) {
	return c.one(nil, "SELECT 1 FROM written WHERE owner = ? AND timestamp = ? AND idx = ?", prefix(r.Owner[:]), int64(r.Timestamp), idx)
}

// file lists a record among its owner's.
func (t *tx) file(idx int64, r *protocol.Record) error {
	_, err := t.exec("INSERT OR IGNORE INTO written VALUES (?, ?, ?)", prefix(r.Owner[:]), int64(r.Timestamp), idx)
	return err
}
