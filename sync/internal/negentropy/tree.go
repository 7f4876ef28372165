package negentropy

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"iter"
	"math"

	"github.com/lf-store/lf/internal/mapped"
)

// Tree is a [Set] that grows. It is a B+-tree that knows of each part how many items it has and
// what their IDs sum up to. So the fingerprint of any range costs a walk down to its two ends. The
// zero Tree is empty and ready. It is not safe for concurrent use.
//
// An item takes 12 bytes; with what the tree adds, at most 20, whatever the order of insertion (see
// node.go). IDs are elsewhere: see [IDs]. A tree that is not told where holds them itself.
type Tree struct {
	nodes nodes
	root  child    // no node when the tree is empty
	last  Item     // the last one, unless the tree is empty
	held  *heldIDs // nil: the IDs are elsewhere
}

var _ Set = (*Tree)(nil)

// NewTree makes an empty tree in a file; nil: on the heap. It asks ids for the IDs of its items.
func NewTree(f *mapped.File, ids IDs) *Tree {
	return &Tree{nodes: nodes{mapped.In[leaf](f), mapped.In[branch](f), ids}}
}

// In copies the tree into a file; nil: to the heap.
func (t *Tree) In(f *mapped.File) *Tree {
	to := &Tree{nodes: nodes{mapped.In[leaf](f), mapped.In[branch](f), t.nodes.ids}, root: t.root, last: t.last, held: t.held}
	for at := range t.nodes.leaves.Len() {
		*to.nodes.leaves.At(to.nodes.leaves.Push()) = *t.nodes.leaves.At(at)
	}
	for at := range t.nodes.branches.Len() {
		*to.nodes.branches.At(to.nodes.branches.Push()) = *t.nodes.branches.At(at)
	}
	return to
}

// Layout says how a tree lies in a file. Another layout cannot be read.
func Layout() string { return "set 2 " + mapped.LayoutOf[leaf]() + mapped.LayoutOf[branch]() }

// kept is what a tree remembers apart from the pieces of its file.
type kept struct {
	Leaves, Branches mapped.Kept
	First            [2]uint64 // timestamp, number
	Last             Item
	Count            int
	Sum              [4]uint64
	Kind, At         uint32
}

// Keep returns what Restore needs apart from the file. Nothing may be inserted meanwhile.
func (t *Tree) Keep() []byte {
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(kept{
		t.nodes.leaves.Keep(), t.nodes.branches.Keep(), [2]uint64{t.root.first.timestamp, uint64(t.root.first.number)}, t.last, t.root.count, t.root.sum, uint32(t.root.kind), t.root.at,
	}); err != nil {
		panic(err) // a buffer takes all, and kept has only what gob knows
	}
	return out.Bytes()
}

// Restore makes the tree of a file, of which Keep returned the rest.
func Restore(f *mapped.File, rest []byte, ids IDs) (*Tree, error) {
	var k kept
	if err := gob.NewDecoder(bytes.NewReader(rest)).Decode(&k); err != nil {
		return nil, fmt.Errorf("the set's file: %w", err)
	}
	first := reference{k.First[0], uint32(k.First[1])}
	t := &Tree{nodes: nodes{ids: ids}, root: child{first, k.Count, k.Sum, nodeKind(k.Kind), k.At}, last: k.Last}
	var err error
	if t.nodes.leaves, err = mapped.Restore[leaf](f, k.Leaves); err != nil {
		return nil, fmt.Errorf("the set's leaves: %w", err)
	}
	if t.nodes.branches, err = mapped.Restore[branch](f, k.Branches); err != nil {
		return nil, fmt.Errorf("the set's branches: %w", err)
	}
	return t, nil
}

// Len returns the number of items.
func (t *Tree) Len() int { return t.root.count }

// Insert adds an item to a tree that holds the IDs. It returns false when the tree has it already,
// or when its timestamp is infinity, which no item has.
func (t *Tree) Insert(item Item) bool {
	if t.held == nil {
		if t.nodes.ids != nil {
			panic("negentropy: the items of this tree have numbers")
		}
		t.held = new(heldIDs)
		t.nodes.ids = t.held
	}
	number := t.held.list.Push()
	*t.held.list.At(number) = item.ID
	added := t.InsertNumbered(item, number)
	if !added {
		t.held.list.Cut(number)
	}
	return added
}

// InsertNumbered is Insert for a tree that does not hold the IDs. It asks for the item's ID by its
// number later.
func (t *Tree) InsertNumbered(i Item, number uint32) bool {
	if i.Timestamp == math.MaxUint64 {
		return false
	}
	item := entry{i, number}
	if t.Len() == 0 {
		t.root = t.nodes.newLeaf(item.reference())
	}
	last := t.Len() == 0 || before(&t.last, &i)
	added, fits := t.nodes.insert(&t.root, &item, last)
	if !fits { // full where the item belongs: one level more
		below := t.root
		top := t.nodes.newBranch(below.first)
		t.root.kind, t.root.at = top.kind, top.at
		b := t.nodes.branch(&top)
		b.children[0], b.n = below, 1
		added, _ = t.nodes.insert(&t.root, &item, last)
	}
	if last {
		t.last = i
	}
	return added
}

// Contains tells whether the tree has the item.
func (t *Tree) Contains(item Item) bool {
	rank := t.Rank(Bound(item))
	for found := range t.Items(rank, min(rank+1, t.Len())) {
		return found == item
	}
	return false
}

// Rank returns the number of items before b.
func (t *Tree) Rank(b Bound) int {
	rank, item := 0, entry{Item(b), unnumbered}
	at := &t.root
	for at.kind == isBranch {
		b := t.nodes.branch(at)
		i := t.nodes.child(b, &item)
		for j := range i {
			rank += b.children[j].count
		}
		at = &b.children[i]
	}
	if at.kind == isLeaf {
		i, _ := t.nodes.find(t.nodes.leaf(at), &item)
		rank += i
	}
	return rank
}

// Fingerprint returns that of the items with ranks from (included) to to (excluded).
func (t *Tree) Fingerprint(from, to int) Fingerprint {
	s, before := t.sumTo(to), t.sumTo(from)
	s.sub(&before)
	return s.fingerprint(to - from)
}

// sumTo is the sum of the IDs of the first rank items.
func (t *Tree) sumTo(rank int) sum {
	var s sum
	if rank == t.root.count {
		return t.root.sum
	}
	at := &t.root
	for at.kind == isBranch {
		b := t.nodes.branch(at)
		i := 0
		for ; rank >= b.children[i].count; i++ {
			rank -= b.children[i].count
			s.add(&b.children[i].sum)
		}
		at = &b.children[i]
	}
	if at.kind == noNode || rank == 0 {
		return s
	}
	l := t.nodes.leaf(at)
	if rank <= int(l.n)/2 {
		part := t.nodes.sumOf(l.numbers[:rank])
		s.add(&part)
		return s
	}
	s.add(&at.sum)
	part := t.nodes.sumOf(l.numbers[rank:l.n])
	s.sub(&part)
	return s
}

// Items yields the items with ranks from (included) to to (excluded), in order.
func (t *Tree) Items(from, to int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if from < to {
			t.nodes.items(&t.root, from, to, yield)
		}
	}
}
