package store

import (
	"iter"
	"math"

	"github.com/lf-store/lf/store/internal/dag"
)

// loadGraph builds the graph of the attached records, in one pass over the table dag.
func loadGraph(c *conn) (*dag.DAG, error) { return dag.Load(c.nodes()) }

// nodes yields the rows of the table dag in their order. The slices of each are those of the one
// before.
func (c *conn) nodes() iter.Seq2[dag.Record, error] {
	return func(yield func(dag.Record, error) bool) {
		var r dag.Record
		idx := int64(0)
		err := c.each(func(row *rows) error {
			idx++
			if err := readNode(&r, idx, row.blob(0)); err != nil {
				return err
			}
			if !yield(r, nil) {
				return errStop
			}
			return nil
		}, "SELECT node FROM dag ORDER BY idx")
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
