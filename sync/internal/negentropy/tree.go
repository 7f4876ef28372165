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
// An item takes 40 bytes; with what the tree adds, at most 64, whatever the order of insertion (see
// node.go).
type Tree struct {
	nodes nodes
	root  child // no node when the tree is empty
	last  Item  // the last one, unless the tree is empty
}

var _ Set = (*Tree)(nil)

// NewTree makes an empty tree in a file; nil: on the heap.
func NewTree(f *mapped.File) *Tree {
	return &Tree{nodes: nodes{leaves: mapped.In[leaf](f), branches: mapped.In[branch](f)}}
}

// Layout says how a tree lies in a file. Another layout cannot be read.
func Layout() string { return "set 1 " + mapped.LayoutOf[leaf]() + mapped.LayoutOf[branch]() }

// kept is what a tree remembers apart from the pieces of its file.
type kept struct {
	Leaves, Branches mapped.Kept
	First, Last      Item
	Count            int
	Sum              [4]uint64
	Kind, At         uint32
}

// Keep returns what Restore needs apart from the file. Nothing may be inserted meanwhile.
func (t *Tree) Keep() []byte {
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(kept{
		t.nodes.leaves.Keep(), t.nodes.branches.Keep(), t.root.first, t.last, t.root.count, t.root.sum, uint32(t.root.kind), t.root.at,
	}); err != nil {
		panic(err) // a buffer takes all, and kept has only what gob knows
	}
	return out.Bytes()
}

// Restore makes the tree of a file, of which Keep returned the rest.
func Restore(f *mapped.File, rest []byte) (*Tree, error) {
	var k kept
	if err := gob.NewDecoder(bytes.NewReader(rest)).Decode(&k); err != nil {
		return nil, fmt.Errorf("the set's file: %w", err)
	}
	t := &Tree{root: child{k.First, k.Count, k.Sum, nodeKind(k.Kind), k.At}, last: k.Last}
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

// Insert adds an item. It returns false when the tree has it already, or when its timestamp is
// infinity, which no item has.
func (t *Tree) Insert(item Item) bool {
	if item.Timestamp == math.MaxUint64 {
		return false
	}
	if t.Len() == 0 {
		t.root = t.nodes.newLeaf(item)
	}
	last := t.Len() == 0 || before(&t.last, &item)
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
		t.last = item
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
	rank, item := 0, Item(b)
	at := &t.root
	for at.kind == isBranch {
		b := t.nodes.branch(at)
		i := b.find(&item)
		for j := range i {
			rank += b.children[j].count
		}
		at = &b.children[i]
	}
	if at.kind == isLeaf {
		i, _ := t.nodes.leaf(at).find(&item)
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
	l := t.nodes.leaf(at)
	for i := range rank {
		id := sumOf(&l.items[i].ID)
		s.add(&id)
	}
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
