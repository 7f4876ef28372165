package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/lf-store/lf/internal/mapped"
)

// A mark is what the database remembers of a derived file: the tokens of the checkpoint that it has
// and of the one under way. So a file that belongs to another database, or to
// another moment of this one, does not pass. Marks are rows of the table datastore. Their names
// begin with a letter, and the keys of a datastore with a slash.
type mark struct {
	name       string
	file, next [tokenSize]byte
}

const tokenSize = len(mapped.Stamp{}.Token)

// load reads the tokens. A database without the row has none.
func (m *mark) load(c *conn) error {
	_, err := c.one(func(r *rows) {
		if b := r.blob(0); len(b) == 2*tokenSize {
			copy(m.file[:], b)
			copy(m.next[:], b[tokenSize:])
		}
	}, "SELECT value FROM datastore WHERE key = ?", m.name)
	return err
}

// has reports whether the database remembers a stamp.
func (m *mark) has(s mapped.Stamp) bool {
	return s.Token != [tokenSize]byte{} && (s.Token == m.file || s.Token == m.next)
}

// propose gives the next checkpoint a token, with the commit of the transaction.
func (m *mark) propose(t *tx) error {
	_, _ = rand.Read(m.next[:]) // it never fails
	value := append(append(make([]byte, 0, 2*tokenSize), m.file[:]...), m.next[:]...)
	_, err := t.exec("INSERT INTO datastore VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", m.name, value)
	return err
}

// Marked tells which checkpoints of a derived file the database remembers, and how many records are
// attached. They are those of the last two calls of [Store.Mark].
func (s *Store) Marked(ctx context.Context, name string) (has func(mapped.Stamp) bool, attached uint64, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		has, attached, err = c.marked(name)
		return err
	})
	return has, attached, err
}

func (c *conn) marked(name string) (has func(mapped.Stamp) bool, attached uint64, err error) {
	n, err := c.number("SELECT attached FROM meta")
	if err != nil {
		return nil, 0, err
	}
	m := mark{name: name}
	attached = uint64(n)
	return func(s mapped.Stamp) bool { return s.Index <= attached && m.has(s) }, attached, m.load(c)
}

// Mark has the database remember that a checkpoint of a derived file follows, and returns its
// stamp: as of now at the latest. Have is the token that the file has.
func (s *Store) Mark(ctx context.Context, name string, have [tokenSize]byte) (mapped.Stamp, error) {
	m := mark{name: name, file: have}
	var index uint64
	err := s.change(ctx, func(t *tx) error {
		index = uint64(t.meta.attached)
		return m.propose(t)
	})
	return mapped.Stamp{Token: m.next, Index: index}, err
}

// graphName and graphSuffix name the file of the graph, in the database and beside it. SetSuffix
// names the file of the set of records that peers compare.
const (
	graphName   = "graph"
	graphSuffix = "-graph"
	setSuffix   = "-set"
)

// SetPath is where the set of records that peers compare is kept. What is there is not the store's,
// but counts in its size.
func (s *Store) SetPath() string { return s.path + setSuffix }

// markGraph prepares a checkpoint of the graph if one is due.
func (t *tx) markGraph(due bool) error {
	if !due || t.graphMarked {
		return nil
	}
	t.graphMarked = true
	return t.store.graphMark.propose(t)
}

// keepGraph makes the checkpoint that a commit has prepared. Should it fail, nothing is lost: the
// database has all that the graph is made of.
func (s *Store) keepGraph(t *tx) {
	if !t.graphMarked {
		return
	}
	if err := s.dag.Checkpoint(s.graphMark.next); err != nil {
		s.options.Logger.Warn("the graph of the records could not be written; the next start takes longer", "error", err)
		return
	}
	s.graphMark.file = s.graphMark.next
}

// saveGraph makes a last checkpoint, for the next start.
func (s *Store) saveGraph() {
	if s.readOnly || s.dag == nil || !s.dag.Unsaved() {
		return
	}
	if err := s.transact(func(t *tx) error { return t.markGraph(true) }); err != nil {
		s.options.Logger.Warn("the graph of the records could not be written; the next start takes longer", "error", fmt.Errorf("mark it: %w", err))
	}
}
