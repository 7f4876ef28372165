package store

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
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
	bounds := runs.Range{Prefix: p.owner[:prefixSize]}
	if after != nil {
		at, err := p.find(after)
		if err != nil {
			return err
		}
		bounds.From = runs.Descending.AppendNumber(writtenRow(p.owner, after.Timestamp), at)
		bounds.From = append(bounds.From, 0)
	}
	return ignoreStop(p.eachRow(kindWritten, bounds, func(row []byte) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		return p.add(int64(runs.Descending.Number(row)), latest(row[prefixSize:]))
	}))
}

// find finds the last record of the page before among those of its timestamp. Its ID may be damaged
// in any of the places that know it, so it is compared as it was listed. Where it is not found, it
// was repaired meanwhile, or this is another node: then all of that timestamp count as listed.
func (p *writtenPage) find(after *WrittenPosition) (at uint32, err error) {
	err = p.eachRow(kindWritten, runs.Range{Prefix: writtenRow(p.owner, after.Timestamp)}, func(row []byte) error {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		idx := runs.Descending.Number(row)
		w, err := p.written(int64(idx), after.Timestamp)
		if err == nil && w.Position().Prefix == after.Prefix {
			at = idx
			err = errStop
		}
		return err
	})
	return at, ignoreStop(err)
}

// written reads a record, or what is left of it.
func (p *writtenPage) written(idx int64, timestamp uint64) (w Written, err error) {
	w = Written{Info: Info{State: Attached, Index: uint64(idx)}, timestamp: timestamp}
	w.Record, err = p.frame(idx)
	if w.Damaged = asDamaged(err); w.Damaged != nil {
		w.Record, err = w.Damaged.Record, nil
	}
	return w, err
}

// add adds a record to the page, unless that is full or the record is another owner's whose key
// begins alike.
func (p *writtenPage) add(idx int64, timestamp uint64) error {
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
