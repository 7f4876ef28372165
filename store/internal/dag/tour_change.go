package dag

// insert puts a new record's brackets directly after the opening bracket of its main parent.
func (t *tour) insert(i, main Index) {
	home := t.recs.At(main).open
	if t.blocks.At(home).n > blockLen-2 {
		t.makeRoom(home, t.blocks.At(home).position(opening(main))+1)
		home = t.recs.At(main).open
	}
	b, r := t.blocks.At(home), t.recs.At(i)
	at := b.position(opening(main)) + 1
	copy(b.brackets[at+2:], b.brackets[at:b.n])
	copy(b.works[at+2:], b.works[at:b.n])
	b.brackets[at], b.brackets[at+1] = opening(i), closing(i)
	b.works[at], b.works[at+1] = uint16(min(r.work, largeShare)), 0
	b.n += 2
	r.open, r.close = home, home
	t.grow(b, t.recs.work(i))
}

// grow adds to the sums above a block; less than nothing wraps and is right.
func (t *tour) grow(b *block, work uint64) {
	node, slot := b.parent, b.slot
	for node != 0 {
		n := t.inners.At(node)
		n.sums[slot] += work
		node, slot = n.parent, n.slot
	}
}

// minRoom is how much room a block must have to take brackets of a neighbour.
const minRoom = blockLen / 4

// makeRoom makes room for two brackets at a place in a block that is full. What lies on one side of
// the place goes to the neighbour there, if that has room. Records come where the newest are. So a
// block that they have passed is nearly full, and stays so.
func (t *tour) makeRoom(home uint32, at int) {
	b := t.blocks.At(home)
	parent := t.inners.At(b.parent)
	n := int(b.n)
	if b.slot+1 < parent.n {
		right := parent.children[b.slot+1]
		if room := blockLen - int(t.blocks.At(right).n); room >= minRoom {
			t.pour(home, right, min(room-2, max(n-at, 2)))
			return
		}
	}
	if b.slot > 0 {
		left := parent.children[b.slot-1]
		if room := blockLen - int(t.blocks.At(left).n); room >= minRoom {
			t.pour(home, left, -min(room-2, max(at, 2)))
			return
		}
	}
	half := n / 2
	if at > n*3/4 {
		half = min(at, n-2)
	}
	right := t.newBlock()
	t.insertChild(t.blocks.At(home).parent, t.blocks.At(home).slot, right, 0)
	t.pour(home, right, n-half)
}

// pour moves brackets of a block to a neighbour: the last count to the next one. With a negative
// count, the first ones go to the one before.
func (t *tour) pour(from, to uint32, count int) {
	a, b := t.blocks.At(from), t.blocks.At(to)
	n, moved := int(a.n), max(count, -count)
	var work uint64
	if count > 0 {
		work = t.work(a, n-moved, n)
		copy(b.brackets[moved:], b.brackets[:b.n])
		copy(b.works[moved:], b.works[:b.n])
		copy(b.brackets[:], a.brackets[n-moved:n])
		copy(b.works[:], a.works[n-moved:n])
		t.settle(to, b.brackets[:moved])
	} else {
		work = t.work(a, 0, moved)
		copy(b.brackets[b.n:], a.brackets[:moved])
		copy(b.works[b.n:], a.works[:moved])
		copy(a.brackets[:], a.brackets[moved:n])
		copy(a.works[:], a.works[moved:n])
		t.settle(to, b.brackets[b.n:int(b.n)+moved])
	}
	a.n, b.n = uint8(n-moved), b.n+uint8(moved)
	t.grow(a, -work)
	t.grow(b, work)
}

// settle notes that brackets are in a block now.
func (t *tour) settle(home uint32, brackets []bracket) {
	for _, x := range brackets {
		t.setHome(x, home)
	}
}

// insertChild puts a new child, with this much of the work of its elder neighbour at slot, after
// that.
func (t *tour) insertChild(node uint32, slot uint8, child uint32, work uint64) {
	if t.inners.At(node).n == innerLen {
		right := t.splitInner(node)
		if n := t.inners.At(node); slot >= n.n {
			node, slot = right, slot-n.n
		}
	}
	n := t.inners.At(node)
	n.sums[slot] -= work
	slot++
	copy(n.children[slot+1:], n.children[slot:n.n])
	copy(n.sums[slot+1:], n.sums[slot:n.n])
	n.children[slot], n.sums[slot] = child, work
	n.n++
	t.adopt(node, slot)
}

// adopt tells the children of a node from a slot on where they are.
func (t *tour) adopt(node uint32, from uint8) {
	n := t.inners.At(node)
	for s := from; s < n.n; s++ {
		if n.leaves {
			b := t.blocks.At(n.children[s])
			b.parent, b.slot = node, s
		} else {
			c := t.inners.At(n.children[s])
			c.parent, c.slot = node, s
		}
	}
}

// splitInner moves the upper half of a node's children to a new node after it, and returns that.
func (t *tour) splitInner(node uint32) uint32 {
	if t.inners.At(node).parent == 0 {
		t.raise(node)
	}
	right := t.newInner()
	n, r := t.inners.At(node), t.inners.At(right)
	half := n.n / 2
	copy(r.children[:], n.children[half:n.n])
	copy(r.sums[:], n.sums[half:n.n])
	r.leaves, r.n, n.n = n.leaves, n.n-half, half
	t.adopt(right, 0)
	t.insertChild(n.parent, n.slot, right, added(r.sums[:r.n]))
	return right
}

// raise puts a new root above the old one.
func (t *tour) raise(old uint32) {
	root := t.newInner()
	n, r := t.inners.At(old), t.inners.At(root)
	r.n, r.children[0], r.sums[0] = 1, old, added(n.sums[:n.n])
	n.parent, n.slot = root, 0
}

// remove takes a record without children out.
func (t *tour) remove(i Index) {
	t.grow(t.blocks.At(t.recs.At(i).open), -t.recs.work(i))
	t.removeBracket(opening(i))
	t.removeBracket(closing(i))
}

func (t *tour) removeBracket(x bracket) {
	home := t.home(x)
	b := t.blocks.At(home)
	at := b.position(x)
	copy(b.brackets[at:], b.brackets[at+1:b.n])
	copy(b.works[at:], b.works[at+1:b.n])
	if b.n--; b.n == 0 {
		t.removeChild(b.parent, b.slot)
		t.free.blocks = append(t.free.blocks, home)
	}
}

// removeChild takes an empty child out, and its parent too where that has no other. The root's
// brackets stay, so the root never comes to that.
func (t *tour) removeChild(node uint32, slot uint8) {
	n := t.inners.At(node)
	copy(n.children[slot:], n.children[slot+1:n.n])
	copy(n.sums[slot:], n.sums[slot+1:n.n])
	if n.n--; n.n > 0 {
		t.adopt(node, slot)
		return
	}
	t.removeChild(n.parent, n.slot)
	t.free.inners = append(t.free.inners, node)
}

func (t *tour) newBlock() uint32 {
	if last := len(t.free.blocks) - 1; last >= 0 {
		b := t.free.blocks[last]
		t.free.blocks = t.free.blocks[:last]
		*t.blocks.At(b) = block{}
		return b
	}
	return t.blocks.Push()
}

func (t *tour) newInner() uint32 {
	if last := len(t.free.inners) - 1; last >= 0 {
		n := t.free.inners[last]
		t.free.inners = t.free.inners[:last]
		*t.inners.At(n) = inner{}
		return n
	}
	return t.inners.Push()
}

func (t *tour) bytes() int {
	return t.blocks.Bytes() + t.inners.Bytes() + 4*(cap(t.free.blocks)+cap(t.free.inners))
}
