package store

import (
	"context"
	"math"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/store/internal/blocks"
)

// Item is an attached record as sets of them are compared.
type Item = intake.Item

// Scan yields all attached records in the order of their indices, in chunks that are the callee's
// to keep. Records that become attached meanwhile may be among them. No reader is held while yield
// runs.
func (s *Store) Scan(ctx context.Context, yield func([]Item) error) error {
	return s.ScanAfter(ctx, 0, yield)
}

// ScanAfter is [Store.Scan] from after an index on.
func (s *Store) ScanAfter(ctx context.Context, index uint64, yield func([]Item) error) error {
	for last := int64(min(index, math.MaxInt64)); ; {
		chunk := make([]Item, 0, scanChunk)
		if err := s.read(ctx, func(c *conn) error { return c.items(last, &chunk) }); err != nil {
			return err
		}
		if len(chunk) > 0 {
			if err := yield(chunk); err != nil {
				return err
			}
		}
		if last += int64(len(chunk)); len(chunk) < scanChunk {
			return nil
		}
	}
}

// ItemsAfter appends the items after an index, as many as there is room for.
func (s *Store) ItemsAfter(ctx context.Context, index uint64, into []Item) ([]Item, error) {
	err := s.read(ctx, func(c *conn) error { return c.items(int64(min(index, math.MaxInt64)), &into) })
	return into, err
}

// items appends the records after an index, as many as there is room for. A set with a wrong ID
// would differ from all others. So where the checksum of an ID and a timestamp is wrong, they are
// compared with the header.
func (c *conn) items(after int64, into *[]Item) error {
	return c.eachInGraph(after, after+int64(cap(*into)-len(*into)), func(idx int64, b *blocks.Graph) error {
		row := identityIn(b, idx)
		item := Item{ID: row.id, Timestamp: row.timestamp, Index: uint64(idx)}
		if !row.sound(idx) {
			if err := c.settleItem(idx, &item); err != nil {
				return err
			}
		}
		*into = append(*into, item)
		return nil
	})
}

// settleItem finds out what is right of an item whose checksum is wrong. Where the header is what
// is damaged, the columns stay.
func (c *conn) settleItem(idx int64, item *Item) error {
	r, err := headerOf(c.frame(idx))
	if asDamaged(err) != nil {
		return nil //nolint:nilerr // it was noted
	}
	if err != nil {
		return err
	}
	if item.Timestamp != r.Timestamp {
		c.damage.noteIndex(idx, "a timestamp in the graph")
	}
	item.ID, item.Timestamp = r.ID(), r.Timestamp
	return nil
}

// Follow calls fn after each commit by which records became attached, parents before children, in
// the order of the commits. A caller that follows first and scans then misses none, and may see
// some twice. fn runs on the writer's goroutine: it must be quick and must not call the store. When
// cancel returns, fn is not called any more.
func (s *Store) Follow(fn func([]Item)) (cancel func()) {
	s.following.Lock()
	defer s.following.Unlock()
	f := &follower{fn}
	s.followers[f] = true
	return func() {
		s.following.Lock()
		defer s.following.Unlock()
		delete(s.followers, f)
	}
}

type follower struct{ tell func([]Item) }

// announce tells the followers what a commit has attached.
func (s *Store) announce(items []Item) {
	if len(items) == 0 {
		return
	}
	s.following.Lock()
	defer s.following.Unlock()
	for f := range s.followers {
		f.tell(items)
	}
}
