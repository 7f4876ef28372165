package negentropy

import (
	"iter"
	"math"
)

// Tree is a [Set] that grows. It is a B+-tree that knows of each part how many items it has and
// what their IDs sum up to. So the fingerprint of any range costs a walk down to its two ends. The
// zero Tree is empty and ready. It is not safe for concurrent use.
//
// An item takes 40 bytes; with what the tree adds, at most 64, whatever the order of insertion (see
// node.go).
type Tree struct {
	root child // neither leaf nor branch when the tree is empty
	last Item  // the last one, unless the tree is empty
}

var _ Set = (*Tree)(nil)

// Len returns the number of items.
func (t *Tree) Len() int { return t.root.count }

// Insert adds an item. It returns false when the tree has it already, or when its timestamp is
// infinity, which no item has.
func (t *Tree) Insert(item Item) bool {
	if item.Timestamp == math.MaxUint64 {
		return false
	}
	if t.Len() == 0 {
		t.root = child{first: item, leaf: new(leaf)}
	}
	last := t.Len() == 0 || before(&t.last, &item)
	added, fits := t.root.insert(&item, last)
	if !fits { // full where the item belongs: one level more
		top := new(branch)
		top.children[0], top.n = t.root, 1
		t.root.leaf, t.root.branch = nil, top
		added, _ = t.root.insert(&item, last)
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
	for at.branch != nil {
		i := at.branch.find(&item)
		for j := range i {
			rank += at.branch.children[j].count
		}
		at = &at.branch.children[i]
	}
	if at.leaf != nil {
		i, _ := at.leaf.find(&item)
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
	for at.branch != nil {
		i := 0
		for ; rank >= at.branch.children[i].count; i++ {
			rank -= at.branch.children[i].count
			s.add(&at.branch.children[i].sum)
		}
		at = &at.branch.children[i]
	}
	for i := range rank {
		id := sumOf(&at.leaf.items[i].ID)
		s.add(&id)
	}
	return s
}

// Items yields the items with ranks from (included) to to (excluded), in order.
func (t *Tree) Items(from, to int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if from < to {
			t.root.items(from, to, yield)
		}
	}
}
