package negentropy

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// slice is a Set whose rightness can be seen: the model of Tree.
type slice []Item

var _ Set = slice(nil)

func (s slice) Len() int { return len(s) }

func (s slice) Rank(b Bound) int {
	i, _ := slices.BinarySearchFunc(s, Item(b), Item.Compare)
	return i
}

func (s slice) Fingerprint(from, to int) Fingerprint {
	var total [33]uint16 // a digit a byte, least significant first
	for _, item := range s[from:to] {
		for i, b := range item.ID {
			total[i] += uint16(b)
			total[i+1] += total[i] >> 8
			total[i] &= 0xff
		}
	}
	var digits []byte
	for _, d := range total[:32] {
		digits = append(digits, byte(d))
	}
	count := []byte{byte(to-from) & 0x7f}
	for n := (to - from) >> 7; n > 0; n >>= 7 {
		count = append([]byte{byte(n) | 0x80}, count...)
	}
	digest := sha256.Sum256(append(digits, count...))
	return Fingerprint(digest[:16])
}

func (s slice) Items(from, to int) iter.Seq[Item] { return slices.Values(s[from:to]) }

func (s *slice) insert(item Item) bool {
	i, found := slices.BinarySearchFunc(*s, item, Item.Compare)
	if !found {
		*s = slices.Insert(*s, i, item)
	}
	return !found
}

// check tells what is wrong with a tree, if anything.
func (t *Tree) check() error {
	if t.root.kind == noNode {
		if t.root != (child{}) {
			return fmt.Errorf("an empty tree counts %d", t.root.count)
		}
		return nil
	}
	_, err := t.nodes.check(&t.root, nil)
	if err == nil && !slices.IsSortedFunc(slices.Collect(t.Items(0, t.Len())), Item.Compare) {
		err = fmt.Errorf("items are out of order")
	}
	return err
}

// check returns the number of branches above the leaves.
func (t *nodes) check(c *child, after *Item) (depth int, err error) {
	again := *c
	t.recount(&again)
	switch {
	case again.count != c.count || again.sum != c.sum:
		return 0, fmt.Errorf("a node counts %d and holds %d, or the sum is wrong", c.count, again.count)
	case c.count == 0:
		return 0, fmt.Errorf("a node is empty")
	case again.first.Compare(c.first) < 0:
		return 0, fmt.Errorf("a node begins before what its branch says")
	case after != nil && after.Compare(c.first) >= 0:
		return 0, fmt.Errorf("a node does not begin after the one before")
	case c.kind == isLeaf:
		if l := t.leaf(c); !slices.IsSortedFunc(l.items[:l.n], Item.Compare) {
			return 0, fmt.Errorf("a leaf is not sorted")
		}
		return 0, nil
	}
	depths := map[int]bool{}
	b := t.branch(c)
	for i := range b.n {
		sub := &b.children[i]
		if depth, err = t.check(sub, after); err != nil {
			return 0, err
		}
		depths[depth] = true
		last := slices.Collect(t.sorted(sub))
		after = &last[0]
	}
	if len(depths) != 1 {
		return 0, fmt.Errorf("leaves lie at several depths")
	}
	for i := b.n; i < branchSize; i++ {
		if b.children[i] != (child{}) {
			return 0, fmt.Errorf("a branch remembers a node that it gave away")
		}
	}
	return depth + 1, nil
}

// sorted yields the last item.
func (t *nodes) sorted(c *child) iter.Seq[Item] {
	return func(yield func(Item) bool) { t.items(c, c.count-1, c.count, yield) }
}

// newTree is a tree that is checked when the test ends.
func newTree(t testing.TB, items ...Item) *Tree {
	tree := new(Tree)
	for _, item := range items {
		if !tree.Insert(item) {
			t.Fatal("an item is there twice")
		}
	}
	t.Cleanup(func() {
		if err := tree.check(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

// randomItems makes n distinct items with timestamps below span.
func randomItems(seed uint64, n int, span uint64) []Item {
	rng := rand.New(rand.NewPCG(seed, 1))
	items := make([]Item, n)
	for i := range items {
		items[i].Timestamp = rng.Uint64N(span)
		for j := 0; j < 32; j += 8 {
			binary.LittleEndian.PutUint64(items[i].ID[j:], rng.Uint64())
		}
	}
	return items
}

// anyItem draws items that often share timestamps and beginnings.
func anyItem() *rapid.Generator[Item] {
	return rapid.Custom(func(t *rapid.T) Item {
		var item Item
		item.Timestamp = rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 1<<64-2)).Draw(t, "timestamp")
		copy(item.ID[rapid.IntRange(0, 31).Draw(t, "zeros"):], rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "id"))
		return item
	})
}

func TestTreeIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, model := new(Tree), slice{}
		for _, item := range rapid.SliceOfN(anyItem(), 0, 40).Draw(t, "items") {
			if tree.Insert(item) != model.insert(item) {
				t.Fatalf("Insert(%v) told wrong whether it was there", item)
			}
		}
		seed, order := rapid.Uint64().Draw(t, "seed"), rapid.SampledFrom([]string{"random", "up", "down", "blocks"}).Draw(t, "order")
		for _, item := range ordered(randomItems(seed, rapid.IntRange(0, 3000).Draw(t, "more"), 1<<20), order) {
			if tree.Insert(item) != model.insert(item) {
				t.Fatalf("Insert(%v) told wrong whether it was there", item)
			}
		}
		same(t, tree, model, anyItem())
	})
}

// same fails unless tree and model answer alike.
func same(t *rapid.T, tree *Tree, model slice, probe *rapid.Generator[Item]) {
	if err := tree.check(); err != nil {
		t.Fatal(err)
	}
	if tree.Len() != model.Len() || !slices.Equal(slices.Collect(tree.Items(0, tree.Len())), model) {
		t.Fatal("the tree has other items than were inserted")
	}
	for range 5 {
		item := probe.Draw(t, "probe")
		if len(model) > 0 && rapid.Bool().Draw(t, "present") {
			item = rapid.SampledFrom(model).Draw(t, "item")
		}
		if got, want := tree.Rank(Bound(item)), model.Rank(Bound(item)); got != want {
			t.Fatalf("Rank(%v) = %d, want %d", item, got, want)
		}
		if got, want := tree.Contains(item), slices.Contains(model, item); got != want {
			t.Fatalf("Contains(%v) = %v", item, got)
		}
		from := rapid.IntRange(0, len(model)).Draw(t, "from")
		to := rapid.IntRange(from, len(model)).Draw(t, "to")
		if tree.Fingerprint(from, to) != model.Fingerprint(from, to) {
			t.Fatalf("Fingerprint(%d, %d) of %d differs", from, to, len(model))
		}
		if !slices.Equal(slices.Collect(tree.Items(from, to)), model[from:to]) {
			t.Fatalf("Items(%d, %d) of %d differ", from, to, len(model))
		}
		for range tree.Items(from, to) {
			break // the iterator stops when told
		}
	}
}

// ordered puts items in an order of insertion.
func ordered(items []Item, order string) []Item {
	switch order {
	case "up":
		slices.SortFunc(items, Item.Compare)
	case "down":
		slices.SortFunc(items, func(a, b Item) int { return b.Compare(a) })
	case "blocks": // each ascending, the later ones between and below the former
		for block := range slices.Chunk(items, 500) {
			slices.SortFunc(block, Item.Compare)
		}
	case "blocks down":
		slices.SortFunc(items, Item.Compare)
		for block := range slices.Chunk(items, 500) {
			slices.Reverse(block)
		}
		slices.Reverse(items)
	case "roughly up":
		slices.SortFunc(items, Item.Compare)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range items {
			j := max(0, i-rng.IntN(50))
			items[i], items[j] = items[j], items[i]
		}
	}
	return items
}

func TestInfinityIsNoItem(t *testing.T) {
	tree := newTree(t)
	if tree.Insert(Item(Infinity)) || tree.Len() != 0 || tree.Contains(Item(Infinity)) {
		t.Error("the tree took an item at infinity")
	}
}
