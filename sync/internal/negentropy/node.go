package negentropy

// The tree's nodes take 4 KiB each, rounded as the allocator rounds: 102 items, or 42 children. A
// node that is full gives to a neighbour under the same branch that has room. When the neighbour is
// full too, two nodes become three. So nodes are two thirds full at least, but for the few at the
// edges. 40 bytes an item become 60, and a leaf's place in its branch adds two. At the right end a
// full node is left full and a new one begun, so that items inserted in order fill the tree.
const (
	leafSize   = 102
	branchSize = 42
)

// leaf holds items in order. It has no pointers, so that the garbage collector does not look into
// it.
type leaf struct {
	n     int
	items [leafSize]Item
}

// branch holds children in order: leaves, or branches of the same level.
type branch struct {
	n        int
	children [branchSize]child
}

// child is a node as its branch knows it. One of leaf and branch is set.
type child struct {
	first  Item // not above the first item, above all items of the children before
	count  int
	sum    sum
	leaf   *leaf
	branch *branch
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
func (c *child) insert(item *Item, last bool) (added, fits bool) {
	if c.leaf != nil {
		added, fits = c.leaf.insert(item, last)
	} else {
		added, fits = c.branch.insert(item, last)
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

func (b *branch) insert(item *Item, last bool) (added, fits bool) {
	i := b.n - 1
	if !last {
		i = b.find(item)
	}
	if added, fits = b.children[i].insert(item, last); fits {
		return added, true
	}
	if last {
		fits = b.extend(*item)
	} else {
		fits = b.makeRoom(i)
	}
	if !fits {
		return false, false
	}
	return b.children[b.find(item)].insert(item, last)
}

// extend begins a new last child, where the item will be the first.
func (b *branch) extend(item Item) bool {
	if b.n == branchSize {
		return false
	}
	b.children[b.n] = b.children[b.n-1].hollow(item)
	b.n++
	return true
}

// hollow is an empty leaf, below as many branches as there are in c.
func (c *child) hollow(first Item) child {
	if c.leaf != nil {
		return child{first: first, leaf: new(leaf)}
	}
	b := &branch{n: 1}
	b.children[0] = c.branch.children[0].hollow(first)
	return child{first: first, branch: b}
}

// minRoom is how much room a neighbour must have to be given to: with less, the next items would
// ask for room again.
const minRoom = 4

// makeRoom makes room in the i-th child, which is full: from a neighbour that has some, or by a new
// one.
func (b *branch) makeRoom(i int) bool {
	left, right := max(0, i-1), min(i+1, b.n-1)
	neighbour := left
	if left == i || right != i && b.children[right].room() > b.children[left].room() {
		neighbour = right
	}
	from, to := min(i, neighbour), max(i, neighbour)+1
	if neighbour != i && b.children[neighbour].room() >= minRoom {
		b.spread(from, to)
		return true
	}
	if b.n == branchSize {
		return false
	}
	copy(b.children[to+1:b.n+1], b.children[to:b.n])
	b.children[to] = b.children[from].sibling()
	b.n++
	b.spread(from, to+1)
	return true
}

// room is how many more items or children the node itself can take.
func (c *child) room() int {
	if c.leaf != nil {
		return leafSize - c.leaf.n
	}
	return branchSize - c.branch.n
}

// sibling is an empty node of the same kind.
func (c *child) sibling() child {
	if c.leaf != nil {
		return child{leaf: new(leaf)}
	}
	return child{branch: new(branch)}
}

// spread deals what the children from (included) to to (excluded) hold out to them evenly.
func (b *branch) spread(from, to int) {
	nodes := b.children[from:to]
	if nodes[0].leaf != nil {
		var buf [3 * leafSize]Item
		all := buf[:0]
		for _, c := range nodes {
			all = append(all, c.leaf.items[:c.leaf.n]...)
		}
		for i := range nodes {
			l := nodes[i].leaf
			l.n = copy(l.items[:], all[part(len(all), len(nodes), i):part(len(all), len(nodes), i+1)])
			nodes[i].recount()
		}
		return
	}
	var buf [3 * branchSize]child
	all := buf[:0]
	for _, c := range nodes {
		all = append(all, c.branch.children[:c.branch.n]...)
	}
	for i := range nodes {
		sub := nodes[i].branch
		sub.n = copy(sub.children[:], all[part(len(all), len(nodes), i):part(len(all), len(nodes), i+1)])
		clear(sub.children[sub.n:]) // forget the nodes that moved
		nodes[i].recount()
	}
}

// part is where the i-th of k even parts of n begins.
func part(n, k, i int) int { return n * i / k }

// recount says again what the node holds.
func (c *child) recount() {
	c.count, c.sum = 0, sum{}
	if c.leaf != nil {
		c.first, c.count = c.leaf.items[0], c.leaf.n
		for i := range c.leaf.n {
			id := sumOf(&c.leaf.items[i].ID)
			c.sum.add(&id)
		}
		return
	}
	c.first = c.branch.children[0].first
	for i := range c.branch.n {
		c.count += c.branch.children[i].count
		c.sum.add(&c.branch.children[i].sum)
	}
}

// items yields the items with ranks from (included) to to (excluded) below c; it returns false when
// yield has enough.
func (c *child) items(from, to int, yield func(Item) bool) bool {
	if c.leaf != nil {
		for i := range c.leaf.items[from:to] {
			if !yield(c.leaf.items[from+i]) {
				return false
			}
		}
		return true
	}
	for i := range c.branch.children[:c.branch.n] {
		sub := &c.branch.children[i]
		if to <= 0 {
			break
		}
		if from < sub.count && !sub.items(max(from, 0), min(to, sub.count), yield) {
			return false
		}
		from, to = from-sub.count, to-sub.count
	}
	return true
}
