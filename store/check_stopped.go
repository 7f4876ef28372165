package store

import (
	"context"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
)

// Stopped is the database of a stopped node, to check what is derived from it.
type Stopped struct {
	c    *conn
	path string
}

// ReadStopped shows the database of a stopped node. Nothing is written. The file must have this
// version's schema.
func ReadStopped(path string, n *protocol.Network, see func(*Stopped) error) error {
	return withReader(path, func(c *conn) error {
		if err := checkUpToDate(c, path, n, len(newSchema().scripts)); err != nil {
			return err
		}
		return see(&Stopped{c, path})
	})
}

// SetPath is [Store.SetPath].
func (s *Stopped) SetPath() string { return s.path + setSuffix }

// Marked is [Store.Marked].
func (s *Stopped) Marked(_ context.Context, name string) (has func(mapped.Stamp) bool, attached uint64, err error) {
	return s.c.marked(name)
}

// ItemsAfter is [Store.ItemsAfter], without a look at checksums: a check of the database does that.
func (s *Stopped) ItemsAfter(_ context.Context, index uint64, into []Item) ([]Item, error) {
	after := int64(index)
	err := s.c.eachInGraph(after, after+int64(cap(into)-len(into)), func(idx int64, b *blocks.Graph) error {
		row := identityIn(b, idx)
		into = append(into, Item{Index: uint64(idx), Timestamp: row.timestamp, ID: row.id})
		return nil
	})
	return into, err
}
