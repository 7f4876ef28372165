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
}

// WrittenBy returns an owner's attached records of all types, the newest timestamp first, and among
// equal ones the last to attach. They are at most limit (1 to 1,000), and fewer where they take
// more than 4 MiB. after is the last record of the previous page, the zero ID for the first one. It
// may be any attached record of the owner's; another one is [ErrBadQuery]. more says that there are
// further records. The cost is that of the records on the page, however many there are elsewhere.
func (s *Store) WrittenBy(ctx context.Context, owner protocol.Owner, after protocol.ID, limit int) (list []Written, more bool, err error) {
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

func (p *writtenPage) read(after protocol.ID) error {
	at := writtenRow{owner: prefix(p.owner[:])}
	where, args := "", []int64{at.owner}
	if after != (protocol.ID{}) {
		if err := p.find(after, &at); err != nil {
			return err
		}
		where, args = " AND (timestamp, idx) < (?, ?)", append(args, at.timestamp, at.idx)
	}
	return ignoreStop(p.each(func(r *rows) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		return p.add(r.int(0))
	}, "SELECT idx FROM written WHERE owner = ?"+where+" ORDER BY timestamp DESC, idx DESC", integers(args)...))
}

// find finds the place of the last record of the page before.
func (p *writtenPage) find(after protocol.ID, at *writtenRow) (err error) {
	if at.idx, err = p.index(after); err != nil {
		return err
	}
	found := false
	if at.idx > 0 {
		if found, err = p.one(func(r *rows) { at.timestamp = r.int(0) },
			"SELECT dag.timestamp FROM dag JOIN written USING (idx) WHERE dag.idx = ? AND written.owner = ? AND written.timestamp = dag.timestamp", at.idx, at.owner); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%w: %s is no record of owner %s that is attached here", ErrBadQuery, after, p.owner)
	}
	return nil
}

// add adds a record to the page, unless that is full or the record is another owner's whose key
// begins alike.
func (p *writtenPage) add(idx int64) error {
	w := Written{Info: Info{State: Attached, Index: uint64(idx)}}
	r, err := p.frame(idx)
	if w.Damaged = asDamaged(err); w.Damaged != nil {
		r = w.Damaged.Record
	} else if err != nil {
		return err
	}
	if r != nil && r.Owner != p.owner {
		return nil
	}
	if len(p.list) == p.limit || len(p.list) > 0 && p.bytes >= maxWrittenBytes {
		p.more = true
		return errStop
	}
	w.Weight = p.weight(idx)
	if w.Record = r; r != nil {
		p.bytes += r.WireSize()
		if w.Hidden, err = p.certs.isHidden(r, idx); err != nil {
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
