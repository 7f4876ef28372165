package dag

import "github.com/lf-store/lf/internal/mapped"

// A tour is the Euler tour of the tree of main parents. Every record has an opening and a closing
// bracket, and what is between them is its subtree. Record 0 is the root above all. The brackets
// are in blocks, which are the leaves of a B+-tree. Each inner node has the sum of the work under
// each of its children. An opening bracket carries its record's work, a closing one nothing.
//
// A new record comes directly after the opening bracket of its parent, before its elder siblings.
// So between a closing bracket and the opening one that follows it nothing can ever come: that is
// what runs rest on.
type tour struct {
	blocks mapped.Arena[block]
	inners mapped.Arena[inner]
	free   struct{ blocks, inners []uint32 }
	recs   *recordArena // knows in which block each bracket is
}

// A bracket is a record's index and, in the lowest bit, whether it closes.
type bracket uint32

func opening(i Index) bracket { return bracket(i << 1) }
func closing(i Index) bracket { return bracket(i<<1 | 1) }

func (b bracket) record() Index { return Index(b >> 1) }
func (b bracket) closes() bool  { return b&1 != 0 }

const (
	blockLen = 32
	innerLen = 32
	// maxHeight is more inner levels than half-full nodes need for 2^31 brackets.
	maxHeight = 24
	// largeShare in a block stands for a work of at least as much: the record has it.
	largeShare = 1<<16 - 1
)

type block struct {
	parent   uint32 // an inner node
	slot, n  uint8  // which child of it this is; how many brackets there are
	brackets [blockLen]bracket
	works    [blockLen]uint16 // of opening brackets
}

type inner struct {
	parent   uint32 // 0: this is the root
	slot, n  uint8
	leaves   bool // its children are blocks
	children [innerLen]uint32
	sums     [innerLen]uint64
}

// begin makes a tour of the root alone.
func (t *tour) begin(recs *recordArena) {
	t.recs = recs
	t.inners.Push() // 0 is no node
	root := t.inners.Push()
	b := t.blocks.Push()
	*t.inners.At(root) = inner{n: 1, leaves: true, children: [innerLen]uint32{b}}
	*t.blocks.At(b) = block{parent: root, n: 2, brackets: [blockLen]bracket{opening(0), closing(0)}}
}

// home is the block that a bracket is in.
func (t *tour) home(b bracket) uint32 {
	r := t.recs.At(b.record())
	if b.closes() {
		return r.close
	}
	return r.open
}

func (t *tour) setHome(b bracket, home uint32) {
	r := t.recs.At(b.record())
	if b.closes() {
		r.close = home
	} else {
		r.open = home
	}
}

// position is where in its block a bracket is.
func (b *block) position(want bracket) int {
	for i, have := range b.brackets[:b.n] {
		if have == want {
			return i
		}
	}
	panic("dag: a bracket is not in its block")
}

// work is what the brackets from..to of a block carry.
func (t *tour) work(b *block, from, to int) uint64 {
	sum := uint64(0)
	for i, w := range b.works[from:to] {
		if w == largeShare {
			sum += t.recs.work(b.brackets[from+i].record())
		} else {
			sum += uint64(w)
		}
	}
	return sum
}

// sum is the work between two brackets, that of from included. From must be before to.
func (t *tour) sum(from, to bracket) uint64 {
	h, i := t.home(from), t.home(to)
	a, b := t.blocks.At(h), t.blocks.At(i)
	if h == i {
		return t.work(a, a.position(from), b.position(to))
	}
	total := t.work(a, a.position(from), int(a.n)) + t.work(b, 0, b.position(to))
	na, sa, nb, sb := a.parent, a.slot, b.parent, b.slot
	for na != nb {
		x, y := t.inners.At(na), t.inners.At(nb)
		total += added(x.sums[sa+1:x.n]) + added(y.sums[:sb])
		na, sa, nb, sb = x.parent, x.slot, y.parent, y.slot
	}
	return total + added(t.inners.At(na).sums[sa+1:sb])
}

func added(sums []uint64) uint64 {
	total := uint64(0)
	for _, s := range sums {
		total += s
	}
	return total
}

// subtree is the work of a record and of all below it in the tree.
func (t *tour) subtree(i Index) uint64 { return t.sum(opening(i), closing(i)) }

// A point is an opening bracket's place in the tour, with the way up from it. So it compares with
// others at the cost of their way up to the first node in common.
type point struct {
	record Index
	home   uint32
	at     int
	nodes  [maxHeight]uint32
	slots  [maxHeight]uint8 // by which child of the node the way comes
}

// locate sets p to a record's opening bracket.
func (t *tour) locate(p *point, i Index) {
	p.record, p.home = i, t.recs.At(i).open
	b := t.blocks.At(p.home)
	p.at = b.position(opening(i))
	node, slot := b.parent, b.slot
	for k := 0; node != 0; k++ {
		p.nodes[k], p.slots[k] = node, slot
		n := t.inners.At(node)
		node, slot = n.parent, n.slot
	}
}

// reached says whether a bracket is at p or before it.
func (t *tour) reached(b bracket, home uint32, p *point) bool {
	x := t.blocks.At(home)
	if home == p.home {
		return x.position(b) <= p.at
	}
	node, slot := x.parent, x.slot
	k := 0
	for node != p.nodes[k] { // all blocks are equally far down
		n := t.inners.At(node)
		node, slot = n.parent, n.slot
		k++
	}
	return slot < p.slots[k]
}

// next is the record whose opening bracket is the first after the closing one of i: a younger one
// never comes between. 0 if there is none.
func (t *tour) next(i Index) Index {
	home := t.recs.At(i).close
	b := t.blocks.At(home)
	if x := b.firstOpening(b.position(closing(i)) + 1); x != 0 {
		return x
	}
	node, slot := b.parent, b.slot
	for node != 0 {
		n := t.inners.At(node)
		for s := slot + 1; s < n.n; s++ {
			if n.sums[s] > 0 {
				return t.firstUnder(n, s)
			}
		}
		node, slot = n.parent, n.slot
	}
	return 0
}

// firstUnder is the record of the first opening bracket under a child with work. Every opening
// bracket but the root's has some.
func (t *tour) firstUnder(n *inner, slot uint8) Index {
	for !n.leaves {
		n = t.inners.At(n.children[slot])
		for slot = 0; n.sums[slot] == 0; {
			slot++
		}
	}
	return t.blocks.At(n.children[slot]).firstOpening(0)
}

func (b *block) firstOpening(from int) Index {
	for _, x := range b.brackets[from:b.n] {
		if !x.closes() {
			return x.record()
		}
	}
	return 0
}
