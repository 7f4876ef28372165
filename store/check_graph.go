package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/dag"
	"github.com/lf-store/lf/store/internal/graph"
)

// weights returns the weights of all records as the graph in memory has them, by index. The writer
// answers, between two changes, so that they are those of one state.
func (s *Store) weights(ctx context.Context) ([]uint64, error) {
	var weights []uint64
	err := s.change(ctx, func(t *tx) error {
		weights = make([]uint64, t.dag.Len()+1)
		for i := range weights {
			weights[i] = t.dag.Weight(dag.Index(i))
		}
		return nil
	})
	if err != nil {
		return nil, err // when ctx has ended, the writer may still be at it
	}
	return weights, nil
}

// openGraphFile takes the weights to compare from the graph's file, if there is one. Nothing is
// written.
func (v *verifier) openGraphFile(c *conn, path string) error {
	n, err := c.lastInGraph()
	if err != nil {
		return err
	}
	v.graph, v.scratch = beginGraph(n, path+checkSuffix)
	m := mark{name: graphName}
	if err := m.load(c); err != nil {
		return err
	}
	g, broken := graph.OpenFile(graph.Config{Path: path + graphSuffix, Records: c.nodes, ReadOnly: true}, int(n), m.has)
	if broken == nil {
		v.memory, broken = g.Weights()
		broken = errors.Join(broken, g.Close())
	}
	switch {
	case errors.Is(broken, mapped.ErrNone):
	case broken != nil:
		v.memory = nil
		v.problem("the graph's file does not check out, and the next start makes it again: %v", broken)
	default:
		v.inFile = true
	}
	return nil
}

// checkSuffix is appended to the database's name for the working file of a check. The file has no
// name while the check runs.
const checkSuffix = "-check"

// beginGraph begins a graph of n records: a large one in a file, if the folder takes one.
func beginGraph(n int64, path string) (*graph.Graph, *mapped.File) {
	if n >= int64(defaultFiles.least) {
		if g, file, err := graph.InScratch(path); err == nil {
			return g, file
		}
	}
	return graph.New(), nil
}

func (v *verifier) closeScratch() {
	if v.scratch != nil {
		_ = v.scratch.Close() // nobody reads it again
	}
}

// guarded runs a step of the check, which may touch the graph's working file.
func (v *verifier) guarded(step func() error) (err error) {
	if v.scratch == nil {
		return step()
	}
	if broken := v.scratch.Guard(func() { err = step() }); broken != nil {
		return fmt.Errorf("the check needs room for a working file beside the database, about 80 bytes a record: make room and check again (%w)", broken)
	}
	return err
}

// checkGraph builds the graph again from each record's parents and work, which were checked with
// the records. It compares what is stored of each record's place with it and, for a store in use,
// the graph in memory.
func (v *verifier) checkGraph() error {
	if v.graph == nil {
		v.graph = graph.New()
	}
	var node dag.Record
	err := v.eachPlace(0, math.MaxInt64, func(idx int64, place []byte) error {
		if err := readNode(&node, idx, place); err != nil || idx != int64(v.graph.Len())+1 {
			return errStop // was reported with the record
		}
		if !v.place(idx, node) {
			return errStop
		}
		if idx+1 == int64(len(v.memory)) {
			v.checkMemory()
		}
		return v.ctx.Err()
	})
	if ignoreStop(err) != nil {
		return err
	}
	if v.dag == nil {
		v.dag = v.graph
	}
	if v.graph.Len()+1 < len(v.memory) {
		v.problem("the graph in memory has %d records, the database %d", len(v.memory)-1, v.graph.Len())
	}
	return v.checkByHand()
}

// place adds a record to the graph that is built again, and reports whether that can go on.
func (v *verifier) place(idx int64, node dag.Record) bool {
	want, err := v.graph.Place(node.Parents)
	if err != nil {
		v.problem("dag %d has no place in the graph: %v", idx, err)
		return false
	}
	if node.Main != want.Main || !slices.Equal(node.Mergeset, want.Mergeset) {
		v.problem("dag %d: main parent %d and mergeset %v, want %d and %v", idx, node.Main, node.Mergeset, want.Main, want.Mergeset)
	}
	v.graph.Add(node.Parents, want, node.Work)
	return true
}

// checkMemory compares the weights that the store had in memory when it had as many records as are
// placed now.
func (v *verifier) checkMemory() {
	for i, have := range v.memory {
		if want := v.graph.Weight(dag.Index(i)); i > 0 && have != want {
			where := "in memory"
			if v.inFile {
				where = "in the graph's file, which can be removed: the next start makes it again"
			}
			v.problem("record %d has weight %d and not %d %s", i, have, want, where)
		}
	}
}

// checkByHand checks a small graph once more without package dag, from the definitions of past,
// main parent, mergeset and weight.
func (v *verifier) checkByHand() error {
	n := v.graph.Len()
	if n > checkedByHand {
		return nil
	}
	byHand := newHandGraph(n)
	err := v.eachPlace(0, int64(n), func(idx int64, place []byte) error {
		var node dag.Record
		if readNode(&node, idx, place) != nil {
			return errStop
		}
		if problem := byHand.add(idx, node); problem != "" {
			v.problem("dag %d: %s", idx, problem)
		}
		return nil
	})
	if ignoreStop(err) != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		if have := v.graph.Weight(dag.Index(i)); have != byHand.weight[i] {
			v.problem("record %d has weight %d, added up it is %d", i, have, byHand.weight[i])
		}
	}
	return nil
}

// handGraph holds for each record the set of its ancestors, and so takes space by the square.
type handGraph struct {
	past                   []bitmap
	work, pastWork, weight []uint64
}

func newHandGraph(n int) *handGraph {
	return &handGraph{make([]bitmap, n+1), make([]uint64, n+1), make([]uint64, n+1), make([]uint64, n+1)}
}

// add adds a record and returns what is wrong with its place, if anything.
func (h *handGraph) add(idx int64, node dag.Record) (problem string) {
	var past bitmap
	main := dag.Index(0)
	for _, p := range node.Parents {
		past.add(int64(p))
		for a := range idx {
			if h.past[p].has(a) {
				past.add(a)
			}
		}
		if main == 0 || h.pastWork[p] >= h.pastWork[main] {
			main = p
		}
	}
	h.past[idx], h.work[idx], h.weight[idx] = past, node.Work, node.Work
	var mergeset []dag.Index
	for a := range idx {
		if !past.has(a) {
			continue
		}
		h.pastWork[idx] += h.work[a]
		h.weight[a] += node.Work
		if a != int64(main) && !h.past[main].has(a) {
			mergeset = append(mergeset, dag.Index(a))
		}
	}
	if main != node.Main || !slices.Equal(mergeset, node.Mergeset) {
		return fmt.Sprintf("main parent %d and mergeset %v, by the definition %d and %v", node.Main, node.Mergeset, main, mergeset)
	}
	return ""
}

// checkSeen checks that no two records were seen at the same moment, and none after the last moment
// that was given out. Most records were seen in the order of their indices. The moments of the
// others are sorted, and compared with them in a second walk.
func (v *verifier) checkSeen() error {
	late, err := v.numbers("SELECT seen FROM pending")
	if err != nil {
		return err
	}
	if err := v.eachSeen(func(seen int64, inOrder bool) {
		if !inOrder {
			late = append(late, seen)
		}
	}); err != nil {
		return err
	}
	slices.Sort(late)
	last := int64(0)
	check := func(seen int64) {
		if seen <= last || seen > v.meta.seen {
			v.problem("a record was seen at %d, the one before it at %d, the last of all at %d", seen, last, v.meta.seen)
		}
		last = seen
	}
	if err := v.eachSeen(func(seen int64, inOrder bool) {
		for ; inOrder && len(late) > 0 && late[0] <= seen; late = late[1:] {
			check(late[0])
		}
		if inOrder {
			check(seen)
		}
	}); err != nil {
		return err
	}
	for _, seen := range late {
		check(seen)
	}
	return nil
}

// eachSeen calls do with the moment at which each attached record was seen, in the order of the
// indices. InOrder says that all before it were seen earlier.
func (v *verifier) eachSeen(do func(seen int64, inOrder bool)) error {
	latest := int64(0)
	return v.eachInGraph(0, math.MaxInt64, func(idx int64, b *blocks.Graph) error {
		_, seen := b.TimesOf(idx)
		do(seen, seen > latest)
		latest = max(latest, seen)
		return v.ctx.Err()
	})
}
