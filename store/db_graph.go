package store

import (
	"iter"
	"math"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/store/internal/dag"
	"github.com/lf-store/lf/store/internal/graph"
)

// graphConfig says where the graph is kept. A database that cannot be written has its file read
// only.
func (s *Store) graphConfig() graph.Config {
	return graph.Config{
		Path: s.path + graphSuffix, Records: s.graphRecords, Broken: s.graphBroken,
		Least: s.options.files.least, Every: s.options.files.every, Memory: s.options.files.memory, ReadOnly: s.readOnly, Volatile: s.options.volatile,
	}
}

// graphRecords yields what is committed of the graph's records.
func (s *Store) graphRecords(after, upTo int) iter.Seq2[dag.Record, error] {
	if !s.graphLoaded {
		return s.writer.nodes(after, upTo)
	}
	return func(yield func(dag.Record, error) bool) {
		if err := withReader(s.path, func(c *conn) error {
			for r, err := range c.nodes(after, upTo) {
				if err != nil {
					return err
				}
				if !yield(r, nil) {
					return errStop
				}
			}
			return nil
		}); ignoreStop(err) != nil {
			yield(dag.Record{}, err)
		}
	}
}

func (s *Store) graphBroken(err error) {
	s.options.Logger.Warn("the graph of the records is made again from the database", "error", err)
}

// openGraph opens the graph of all attached records.
func (s *Store) openGraph() error {
	n, err := s.writer.lastInGraph()
	if err != nil {
		return err
	}
	if err := s.graphMark.load(s.writer); err != nil {
		return err
	}
	has := func(stamp mapped.Stamp) bool {
		if !s.graphMark.has(stamp) {
			return false
		}
		s.graphMark.file = stamp.Token
		return true
	}
	g, err := graph.Open(s.graphConfig(), int(n), has)
	if err == nil {
		s.dag = g
	}
	return err
}

// nodes yields the records of the graph after an index and up to another, in their order. The
// slices of each are those of the one before.
func (c *conn) nodes(after, upTo int) iter.Seq2[dag.Record, error] {
	return func(yield func(dag.Record, error) bool) {
		var r dag.Record
		err := c.eachPlace(int64(after), int64(upTo), func(idx int64, place []byte) error {
			if err := readNode(&r, idx, place); err != nil {
				return err
			}
			return stopUnless(yield(r, nil), nil)
		})
		if ignoreStop(err) != nil {
			yield(dag.Record{}, err)
		}
	}
}

// graphOf returns indices as the graph has them, and indicesOf as the tables have them.
func graphOf(indices []int64) []dag.Index {
	of := make([]dag.Index, len(indices))
	for i, idx := range indices {
		of[i] = dag.Index(idx)
	}
	return of
}

func indicesOf(indices []dag.Index) []int64 {
	of := make([]int64, len(indices))
	for i, idx := range indices {
		of[i] = int64(idx)
	}
	return of
}

// weight returns the work of an attached record and all of its descendants, those that the writer
// is about to commit included.
func (c *conn) weight(idx int64) uint64 { return c.dag.Weight(dag.Index(idx)) }

// ancestor reports whether attached record a is in the past of b.
func (c *conn) isAncestor(a, b int64) bool { return c.dag.Ancestor(dag.Index(a), dag.Index(b)) }

// past returns the work of an attached record's past, as the tables hold it.
func (c *conn) past(idx int64) int64 { return int64(min(c.dag.Past(dag.Index(idx)), math.MaxInt64)) }
