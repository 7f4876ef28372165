package store

import (
	"context"
	"crypto/sha256"

	"github.com/lf-store/lf/protocol"
)

// Item is an attached record as sets of them are compared.
type Item struct {
	ID        protocol.ID
	Timestamp uint64 // milliseconds
}

// Scan yields all attached records in the order of their indices, in chunks that are the callee's to keep. What becomes
// attached meanwhile may be among them. No reader is held while yield runs.
func (s *Store) Scan(ctx context.Context, yield func([]Item) error) error {
	for last := int64(0); ; {
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

// items appends the records behind an index, as many as there is room for.
func (c *conn) items(after int64, into *[]Item) error {
	return c.each(func(r *rows) error {
		*into = append(*into, Item{sha256.Sum256(r.blob(1)), uint64(r.int(0))})
		return nil
	}, "SELECT timestamp, header FROM dag JOIN records USING (idx) WHERE idx > ? ORDER BY idx LIMIT ?", after, int64(cap(*into)-len(*into)))
}

// Follow calls fn after each commit by which records became attached, parents before children, in the order of the
// commits. Who follows first and scans then misses none, and may see some twice. fn runs on the writer's goroutine: it
// must be quick and must not call the store. When cancel returns, fn is not called any more.
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
