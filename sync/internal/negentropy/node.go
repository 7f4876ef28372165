package negentropy

import "github.com/lf-store/lf/internal/mapped"

// A leaf has up to 63 items, of 12 bytes each: part of its sum takes few IDs. A branch has up to 36
// children. A node that is full gives to a neighbour under the same branch that has room. When the
// neighbour is full too, two nodes become three. So nodes are two thirds full at least, but for the
// few at the edges. 12 bytes an item become 18, and a leaf's place in its branch adds one or two.
// At the right end a full node is left full and a new one begun, so that items inserted in order
// fill the tree.
const (
	leafSize   = 63
	branchSize = 36
)

// nodes holds the tree's leaves and branches, by number. Neither has pointers, so they can be in a
// file.
type nodes struct {
	leaves   mapped.Arena[leaf]
	branches mapped.Arena[branch]
	ids      IDs
}

// leaf holds items in order.
type leaf struct {
	n          uint32
	numbers    [leafSize]uint32
	timestamps [leafSize]uint64
}

// branch holds children in order: leaves, or branches of the same level.
type branch struct {
	n        int
	children [branchSize]child
}

// child is a node as its branch knows it.
type child struct {
	first reference // not above the first item, above all items of the children before
	count int
	sum   sum
	kind  nodeKind
	at    uint32 // its number among those of its kind
}

type nodeKind uint32

const (
	noNode nodeKind = iota
	isLeaf
	isBranch
)

func (t *nodes) leaf(c *child) *leaf     { return t.leaves.At(c.at) }
func (t *nodes) branch(c *child) *branch { return t.branches.At(c.at) }

func (l *leaf) at(i int) reference { return reference{l.timestamps[i], l.numbers[i]} }

func (t *nodes) newLeaf(first reference) child {
	return child{first: first, kind: isLeaf, at: t.leaves.Push()}
}

func (t *nodes) newBranch(first reference) child {
	return child{first: first, kind: isBranch, at: t.branches.Push()}
}

// find returns the place of an item in a leaf, and whether it is there.
func (t *nodes) find(l *leaf, item *entry) (place int, found bool) {
	i, n := 0, int(l.n)
	for i < n {
		mid := int(uint(i+n) >> 1)
		switch c := t.compare(item, l.at(mid)); {
		case c == 0:
			return mid, true
		case c > 0:
			i = mid + 1
		default:
			n = mid
		}
	}
	return i, false
}

// child returns the child of a branch where an item belongs: the last one that does not begin after
// it.
func (t *nodes) child(b *branch, item *entry) int {
	i, n := 1, b.n
	for i < n {
		if mid := int(uint(i+n) >> 1); t.compare(item, b.children[mid].first) < 0 {
			n = mid
		} else {
			i = mid + 1
		}
	}
	return i - 1
}

// insert adds an item below c; last says that it comes after all items of the tree. Fits is false
// when c is full where the item belongs: then nothing is changed.
func (t *nodes) insert(c *child, item *entry, last bool) (added, fits bool) {
	if c.kind == isLeaf {
		added, fits = t.insertInto(t.leaf(c), item, last)
	} else {
		added, fits = t.insertBelow(t.branch(c), item, last)
	}
	if added {
		if t.compare(item, c.first) < 0 {
			c.first = item.reference()
		}
		id := sumOf(&item.ID)
		c.count++
		c.sum.add(&id)
	}
	return added, fits
}

func (t *nodes) insertInto(l *leaf, item *entry, last bool) (added, fits bool) {
	i, found := int(l.n), false
	if !last {
		i, found = t.find(l, item)
	}
	switch {
	case found:
		return false, true
	case l.n == leafSize:
		return false, false
	}
	copy(l.numbers[i+1:l.n+1], l.numbers[i:l.n])
	copy(l.timestamps[i+1:l.n+1], l.timestamps[i:l.n])
	l.numbers[i], l.timestamps[i] = item.number, item.Timestamp
	l.n++
	return true, true
}

func (t *nodes) insertBelow(b *branch, item *entry, last bool) (added, fits bool) {
	i := b.n - 1
	if !last {
		i = t.child(b, item)
	}
	if added, fits = t.insert(&b.children[i], item, last); fits {
		return added, true
	}
	if last {
		fits = t.extend(b, item.reference())
	} else {
		fits = t.makeRoom(b, i)
	}
	if !fits {
		return false, false
	}
	return t.insert(&b.children[t.child(b, item)], item, last)
}

// extend begins a new last child, where the item will be the first.
func (t *nodes) extend(b *branch, item reference) bool {
	if b.n == branchSize {
		return false
	}
	b.children[b.n] = t.hollow(&b.children[b.n-1], item)
	b.n++
	return true
}

// hollow is an empty leaf, below as many branches as there are in c.
func (t *nodes) hollow(c *child, first reference) child {
	if c.kind == isLeaf {
		return t.newLeaf(first)
	}
	h := t.newBranch(first)
	b := t.branch(&h)
	b.n, b.children[0] = 1, t.hollow(&t.branch(c).children[0], first)
	return h
}

// minRoom is how much room a neighbour must have to be given to: with less, the next items would
// ask for room again.
const minRoom = 4

// makeRoom makes room in the i-th child, which is full: from a neighbour that has some, or by a new
// one.
func (t *nodes) makeRoom(b *branch, i int) bool {
	left, right := max(0, i-1), min(i+1, b.n-1)
	neighbour := left
	if left == i || right != i && t.room(&b.children[right]) > t.room(&b.children[left]) {
		neighbour = right
	}
	from, to := min(i, neighbour), max(i, neighbour)+1
	if neighbour != i && t.room(&b.children[neighbour]) >= minRoom {
		t.spread(b, from, to)
		return true
	}
	if b.n == branchSize {
		return false
	}
	copy(b.children[to+1:b.n+1], b.children[to:b.n])
	b.children[to] = t.sibling(&b.children[from])
	b.n++
	t.spread(b, from, to+1)
	return true
}

// room is how many more items or children the node itself can take.
func (t *nodes) room(c *child) int {
	if c.kind == isLeaf {
		return leafSize - int(t.leaf(c).n)
	}
	return branchSize - t.branch(c).n
}

// sibling is an empty node of the same kind.
func (t *nodes) sibling(c *child) child {
	if c.kind == isLeaf {
		return t.newLeaf(reference{})
	}
	return t.newBranch(reference{})
}

// spread deals what the children from (included) to to (excluded) hold out to them evenly.
func (t *nodes) spread(b *branch, from, to int) {
	nodes := b.children[from:to]
	if nodes[0].kind == isLeaf {
		t.spreadLeaves(nodes)
		return
	}
	var buf [3 * branchSize]child
	all := buf[:0]
	for i := range nodes {
		sub := t.branch(&nodes[i])
		all = append(all, sub.children[:sub.n]...)
	}
	for i := range nodes {
		sub := t.branch(&nodes[i])
		sub.n = copy(sub.children[:], all[part(len(all), len(nodes), i):part(len(all), len(nodes), i+1)])
		clear(sub.children[sub.n:]) // forget the nodes that moved
		t.recount(&nodes[i])
	}
}

// spreadLeaves is spread for leaves.
func (t *nodes) spreadLeaves(nodes []child) {
	var buf [3 * leafSize]reference
	all := buf[:0]
	for i := range nodes {
		l := t.leaf(&nodes[i])
		for k := range int(l.n) {
			all = append(all, l.at(k))
		}
	}
	for i := range nodes {
		l := t.leaf(&nodes[i])
		mine := all[part(len(all), len(nodes), i):part(len(all), len(nodes), i+1)]
		for k, r := range mine {
			l.timestamps[k], l.numbers[k] = r.timestamp, r.number
		}
		l.n = uint32(len(mine))
		t.recount(&nodes[i])
	}
}

// part is where the i-th of k even parts of n begins.
func part(n, k, i int) int { return n * i / k }

// recount says again what the node holds.
func (t *nodes) recount(c *child) {
	c.count, c.sum = 0, sum{}
	if c.kind == isLeaf {
		l := t.leaf(c)
		c.first, c.count, c.sum = l.at(0), int(l.n), t.sumOf(l.numbers[:l.n])
		return
	}
	b := t.branch(c)
	c.first = b.children[0].first
	for i := range b.n {
		c.count += b.children[i].count
		c.sum.add(&b.children[i].sum)
	}
}

// sumOf is the sum of the IDs with some numbers.
func (t *nodes) sumOf(numbers []uint32) (s sum) {
	for _, n := range numbers {
		id := sumOf(t.ids.ID(n))
		s.add(&id)
	}
	return s
}

// items yields the items with ranks from (included) to to (excluded) below c; it returns false when
// yield has enough.
func (t *nodes) items(c *child, from, to int, yield func(Item) bool) bool {
	if c.kind == isLeaf {
		l := t.leaf(c)
		for i := from; i < to; i++ {
			if !yield(Item{l.timestamps[i], *t.ids.ID(l.numbers[i])}) {
				return false
			}
		}
		return true
	}
	b := t.branch(c)
	for i := range b.children[:b.n] {
		sub := &b.children[i]
		if to <= 0 {
			break
		}
		if from < sub.count && !t.items(sub, max(from, 0), min(to, sub.count), yield) {
			return false
		}
		from, to = from-sub.count, to-sub.count
	}
	return true
}
