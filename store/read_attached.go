package store

import (
	"context"

	"github.com/lf-store/lf/protocol"
)

// Attached yields all attached records, the genesis included, parents before children, in chunks
// that are the callee's to keep. What becomes attached meanwhile comes, too, up to the moment at
// which no more is left. No reader is held while yield runs. A damaged record ends it with a
// [*DamagedError]: what follows might lack its parent.
func (s *Store) Attached(ctx context.Context, yield func([]*protocol.Record) error) error {
	for last := int64(0); ; {
		var chunk []*protocol.Record
		if err := s.read(ctx, func(c *conn) (err error) {
			chunk, last, err = c.attachedAfter(last)
			return err
		}); err != nil {
			return err
		}
		if len(chunk) == 0 {
			return nil
		}
		if err := yield(chunk); err != nil {
			return err
		}
	}
}

// attachedAfter reads the records after an index, as many as belong into a chunk, and returns the
// index of the last one.
func (c *conn) attachedAfter(after int64) (chunk []*protocol.Record, last int64, err error) {
	last = after
	err = c.each(func(r *rows) error {
		var s stored
		s.read(r, 1)
		record, err := c.verified(r.int(0), s)
		if err != nil {
			return err
		}
		chunk, last = append(chunk, record), r.int(0)
		return nil
	}, "SELECT idx, id, header, value FROM records JOIN dag USING (idx) WHERE idx > ? ORDER BY idx LIMIT ?", after, int64(attachedChunk))
	return chunk, last, err
}
