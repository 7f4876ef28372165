package negentropy

import "github.com/lf-store/lf/internal/mapped"

// The tree's nodes take 4 KiB each: 102 items, or 42 children. A node that is full gives to a
// neighbour under the same branch that has room. When the neighbour is full too, two nodes become
// three. So nodes are two thirds full at least, but for the few at the edges. 40 bytes an item
// become 60, and a leaf's place in its branch adds two. At the right end a full node is left full
// and a new one begun, so that items inserted in order fill the tree.
const (
	leafSize   = 102
	branchSize = 42
)

// nodes holds the tree's leaves and branches, by number. Neither has pointers, so they can be in a
// file.
type nodes struct {
	leaves   mapped.Arena[leaf]
	branches mapped.Arena[branch]
}

// leaf holds items in order.
type leaf struct {
	n     int
	items [leafSize]Item
}

// branch holds children in order: leaves, or branches of the same level.
type branch struct {
	n        int
	children [branchSize]child
}

// child is a node as its branch knows it.
type child struct {
	first Item // not above the first item, above all items of the children before
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

func (t *nodes) newLeaf(first Item) child {
	return child{first: first, kind: isLeaf, at: t.leaves.Push()}
}

func (t *nodes) newBranch(first Item) child {
	return child{first: first, kind: isBranch, at: t.branches.Push()}
}

// find returns the place of an item, and whether it is there.
func (l *leaf) find(item *Item) (int, bool) {
	i, n := 0, l.n
	for i < n {
		if mid := int(uint(i+n) >> 1); before(&l.items[mid], item) {
			i = mid + 1
		} else {
			n = mid
		}
	}
	return i, i < l.n && l.items[i] == *item
}

// find returns the child where an item belongs: the last one that does not begin after it.
func (b *branch) find(item *Item) int {
	i, n := 1, b.n
	for i < n {
		if mid := int(uint(i+n) >> 1); before(item, &b.children[mid].first) {
			n = mid
		} else {
			i = mid + 1
		}
	}
	return i - 1
}

// insert adds an item below c; last says that it comes after all items of the tree. Fits is false
// when c is full where the item belongs: then nothing is changed.
func (t *nodes) insert(c *child, item *Item, last bool) (added, fits bool) {
	if c.kind == isLeaf {
		added, fits = t.leaf(c).insert(item, last)
	} else {
		added, fits = t.insertBelow(t.branch(c), item, last)
	}
	if added {
		if before(item, &c.first) {
			c.first = *item
		}
		id := sumOf(&item.ID)
		c.count++
		c.sum.add(&id)
	}
	return added, fits
}

func (l *leaf) insert(item *Item, last bool) (added, fits bool) {
	i, found := l.n, false
	if !last {
		i, found = l.find(item)
	}
	switch {
	case found:
		return false, true
	case l.n == leafSize:
		return false, false
	}
	copy(l.items[i+1:l.n+1], l.items[i:l.n])
	l.items[i] = *item
	l.n++
	return true, true
}

func (t *nodes) insertBelow(b *branch, item *Item, last bool) (added, fits bool) {
	i := b.n - 1
	if !last {
		i = b.find(item)
	}
	if added, fits = t.insert(&b.children[i], item, last); fits {
		return added, true
	}
	if last {
		fits = t.extend(b, *item)
	} else {
		fits = t.makeRoom(b, i)
	}
	if !fits {
		return false, false
	}
	return t.insert(&b.children[b.find(item)], item, last)
}

// extend begins a new last child, where the item will be the first.
func (t *nodes) extend(b *branch, item Item) bool {
	if b.n == branchSize {
		return false
	}
	b.children[b.n] = t.hollow(&b.children[b.n-1], item)
	b.n++
	return true
}

// hollow is an empty leaf, below as many branches as there are in c.
func (t *nodes) hollow(c *child, first Item) child {
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
		return leafSize - t.leaf(c).n
	}
	return branchSize - t.branch(c).n
}

// sibling is an empty node of the same kind.
func (t *nodes) sibling(c *child) child {
	if c.kind == isLeaf {
		return t.newLeaf(Item{})
	}
	return t.newBranch(Item{})
}

// spread deals what the children from (included) to to (excluded) hold out to them evenly.
func (t *nodes) spread(b *branch, from, to int) {
	nodes := b.children[from:to]
	if nodes[0].kind == isLeaf {
		var buf [3 * leafSize]Item
		all := buf[:0]
		for i := range nodes {
			l := t.leaf(&nodes[i])
			all = append(all, l.items[:l.n]...)
		}
		for i := range nodes {
			l := t.leaf(&nodes[i])
			l.n = copy(l.items[:], all[part(len(all), len(nodes), i):part(len(all), len(nodes), i+1)])
			t.recount(&nodes[i])
		}
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

// part is where the i-th of k even parts of n begins.
func part(n, k, i int) int { return n * i / k }

// recount says again what the node holds.
func (t *nodes) recount(c *child) {
	c.count, c.sum = 0, sum{}
	if c.kind == isLeaf {
		l := t.leaf(c)
		c.first, c.count = l.items[0], l.n
		for i := range l.n {
			id := sumOf(&l.items[i].ID)
			c.sum.add(&id)
		}
		return
	}
	b := t.branch(c)
	c.first = b.children[0].first
	for i := range b.n {
		c.count += b.children[i].count
		c.sum.add(&b.children[i].sum)
	}
}

// items yields the items with ranks from (included) to to (excluded) below c; it returns false when
// yield has enough.
func (t *nodes) items(c *child, from, to int, yield func(Item) bool) bool {
	if c.kind == isLeaf {
		l := t.leaf(c)
		for i := range l.items[from:to] {
			if !yield(l.items[from+i]) {
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
