package graph

import "github.com/lf-store/lf/store/internal/dag"

// The questions are those of [dag.DAG].

// Len is the number of records, and so the index of the newest.
func (g *Graph) Len() int { return g.current.Load().dag.Len() }

// Bytes is the size of the graph, in memory or in the file.
func (g *Graph) Bytes() int { return g.current.Load().dag.Bytes() }

// Place finds where a record with these parents stands. It changes nothing.
func (g *Graph) Place(parents []dag.Index) (where dag.Placement, err error) {
	g.ask(func(d *dag.DAG) { where, err = d.Place(parents) })
	return where, err
}

// Weight is the work of a record and of all its descendants.
func (g *Graph) Weight(i dag.Index) (answer uint64) {
	g.ask(func(d *dag.DAG) { answer = d.Weight(i) })
	return answer
}

// WeightUpTo is what Weight would be if the records above n were not there yet.
func (g *Graph) WeightUpTo(i dag.Index, n int) (answer uint64) {
	g.ask(func(d *dag.DAG) { answer = d.WeightUpTo(i, n) })
	return answer
}

// WorkUpTo is the work of all records up to n.
func (g *Graph) WorkUpTo(n int) (answer uint64) {
	g.ask(func(d *dag.DAG) { answer = d.WorkUpTo(n) })
	return answer
}

// Past is the work of a record's proper ancestors.
func (g *Graph) Past(i dag.Index) (answer uint64) {
	g.ask(func(d *dag.DAG) { answer = d.Past(i) })
	return answer
}

// Ancestor says whether a is in the past of b.
func (g *Graph) Ancestor(a, b dag.Index) (answer bool) {
	g.ask(func(d *dag.DAG) { answer = d.Ancestor(a, b) })
	return answer
}

// Parents are a record's, in the order of its links.
func (g *Graph) Parents(i dag.Index) (answer []dag.Index) {
	g.ask(func(d *dag.DAG) { answer = d.Parents(i) })
	return answer
}

// Choose picks at most count records for a new record to link.
func (g *Graph) Choose(candidates []dag.Index, count int) (answer []dag.Index) {
	g.ask(func(d *dag.DAG) { answer = d.Choose(candidates, count) })
	return answer
}

// Ladder is the past of a record, and of those below it on its main chain.
func (g *Graph) Ladder(i dag.Index, steps int) (answer []uint64) {
	g.ask(func(d *dag.DAG) { answer = d.Ladder(i, steps) })
	return answer
}
