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
	if err := t.Verify(func(uint32, uint64) error { return nil }); err != nil {
		return err
	}
	for at := range t.nodes.branches.Len() {
		b := t.nodes.branches.At(at)
		for i := b.n; i < branchSize; i++ {
			if b.children[i] != (child{}) {
				return fmt.Errorf("a branch remembers a node that it gave away")
			}
		}
	}
	if !slices.IsSortedFunc(slices.Collect(t.Items(0, t.Len())), Item.Compare) {
		return fmt.Errorf("items are out of order")
	}
	return nil
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
		tree, model, numbers := new(Tree), slice{}, []Item(nil)
		for _, item := range rapid.SliceOfN(anyItem(), 0, 40).Draw(t, "items") {
			added := tree.Insert(item)
			if added != model.insert(item) {
				t.Fatalf("Insert(%v) told wrong whether it was there", item)
			}
			if added {
				numbers = append(numbers, item)
			}
		}
		seed, order := rapid.Uint64().Draw(t, "seed"), rapid.SampledFrom([]string{"random", "up", "down", "blocks"}).Draw(t, "order")
		for _, item := range ordered(randomItems(seed, rapid.IntRange(0, 3000).Draw(t, "more"), 1<<20), order) {
			added := tree.Insert(item)
			if added != model.insert(item) {
				t.Fatalf("Insert(%v) told wrong whether it was there", item)
			}
			if added {
				numbers = append(numbers, item)
			}
		}
		same(t, tree, model, anyItem())

		// the same by numbers, in another order, and moved when half of it was there
		if len(numbers) > 1000 {
			return
		}
		numbered := NewTree(nil, tree.held)
		for i, n := range rand.New(rand.NewPCG(seed, 3)).Perm(len(numbers)) {
			item := numbers[n]
			if i == len(numbers)/2 {
				numbered = numbered.In(nil)
			}
			if !numbered.InsertNumbered(item, uint32(n)) || numbered.InsertNumbered(item, uint32(n)) {
				t.Fatalf("InsertNumbered(%v) told wrong whether it was there", item)
			}
		}
		same(t, numbered, model, anyItem())
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
