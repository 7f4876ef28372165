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
	err = c.eachStored(after, after+attachedChunk, func(idx int64, s stored) error {
		record, err := c.verified(idx, s)
		if err != nil {
			return err
		}
		chunk, last = append(chunk, record), idx
		return nil
	})
	return chunk, last, err
}
