package graph

import (
	"errors"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/store/internal/dag"
)

// Due reports whether a checkpoint is due: there are many new records, or what they changed takes
// much memory. Only the goroutine that changes the graph may ask.
func (g *Graph) Due() bool {
	n := g.Len()
	if !g.hasFile() || n >= g.due {
		return g.hasFile()
	}
	c := g.current.Load()
	if c.file == nil || g.c.Memory == 0 || n < g.looked+max(1, g.c.Every/looks) {
		return false
	}
	g.looked = n
	return c.file.Holds(g.c.Memory)
}

// looks is how often Due looks at the memory before the next checkpoint.
const looks = 64

// Unsaved reports whether a checkpoint before the end would spare the next start some work.
func (g *Graph) Unsaved() bool {
	c := g.current.Load()
	return g.hasFile() && g.Len() >= g.c.Least && (c.file == nil || !c.file.Stamped() || g.Len() != g.base)
}

// Checkpoint brings the graph to the disk. All of its records are committed, and the database
// remembers the token. After an error the graph is as before, and the next checkpoint is due
// later.
func (g *Graph) Checkpoint(token [16]byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.Len()
	g.due, g.looked = n+max(1, g.c.Every/8), n
	c := g.current.Load()
	if c.file == nil {
		built, err := g.buildFile(g.c.Records(0, n))
		if err != nil {
			g.due = n + max(g.c.Every, n/8) // to build is more work than a checkpoint
			return err
		}
		if built.dag.Len() != n {
			return errors.Join(errors.New("the database has not all records of the graph"), built.file.Close())
		}
		c = built
		g.base, g.since = n, nil
		g.current.Store(c)
	}
	var err error
	if broken := c.file.Guard(func() { err = c.file.Checkpoint(mapped.Stamp{Token: token, Index: uint64(n)}, c.dag.Keep()) }); broken != nil {
		g.mendLocked(broken)
		return broken
	}
	if err != nil {
		return err
	}
	g.base, g.since = n, nil
	g.due = n + g.c.Every
	return nil
}

// Size is what the graph takes on the disk.
func (g *Graph) Size() int64 {
	if c := g.current.Load(); c.file != nil {
		return c.file.Size()
	}
	return 0
}

// Close closes the file, as of the last checkpoint. Questions are still answered.
func (g *Graph) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.current.Load(); c.file != nil {
		return c.file.Close()
	}
	return nil
}

// Weights returns the weights of all records by their index. What is broken is not made again.
func (g *Graph) Weights() (weights []uint64, err error) {
	c := g.current.Load()
	weights = make([]uint64, c.dag.Len()+1)
	err = c.file.Guard(func() {
		for i := range weights {
			weights[i] = c.dag.Weight(dag.Index(i))
		}
	})
	return weights, err
}
