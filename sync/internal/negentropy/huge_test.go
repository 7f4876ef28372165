package negentropy

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"testing"
)

// huge is a set of many items that exist only as they are looked at. They are a second apart. It
// may lack one of them.
type huge struct {
	items int
	lacks int // the number of an item, or -1
}

func (h huge) Len() int {
	if h.lacks >= 0 {
		return h.items - 1
	}
	return h.items
}

// number is that of the item with a rank.
func (h huge) number(rank int) int {
	if h.lacks >= 0 && rank >= h.lacks {
		return rank + 1
	}
	return rank
}

func (h huge) item(number int) Item {
	return Item{Timestamp: 1000 * uint64(number), ID: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(number)))}
}

func (h huge) Rank(b Bound) int {
	number := int(min(b.Timestamp/1000, uint64(h.items)))
	if number < h.items && h.item(number).Compare(Item(b)) < 0 {
		number++
	}
	if h.lacks >= 0 && number > h.lacks {
		return number - 1
	}
	return number
}

// Fingerprint is a hash of which items there are.
func (h huge) Fingerprint(from, to int) (f Fingerprint) {
	if from == to {
		return f
	}
	first, last := h.number(from), h.number(to-1)
	var raw []byte
	for _, n := range []int{first, last, to - from} {
		raw = binary.BigEndian.AppendUint64(raw, uint64(n))
	}
	if to-from <= last-first { // it lacks one between: which one says more than a count
		raw = binary.BigEndian.AppendUint64(raw, uint64(h.lacks))
	}
	sum := sha256.Sum256(raw)
	copy(f[:], sum[:])
	return f
}

func (h huge) Items(from, to int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for rank := from; rank < to && yield(h.item(h.number(rank))); rank++ {
		}
	}
}

// TestHugeSets holds that three rounds find the one record by which sets differ, of up to 32
// million, and at ten million 3 KB.
func TestHugeSets(t *testing.T) {
	for _, c := range []struct{ items, rounds, bytes int }{
		{1_000_000, 3, 2100}, {1_966_080, 3, 3000}, {1_966_081, 3, 3000}, {5_000_000, 3, 3000}, {10_000_000, 3, 3072}, {13_709_280, 3, 3400}, {13_709_281, 3, 3600},
		{31_457_280, 3, 4100}, {100_000_000, 4, 4500},
	} {
		for _, lacks := range []int{0, 1, c.items / 3, c.items/2 + 7, c.items - 2, c.items - 1} {
			all := huge{c.items, -1}
			s := reconcile(t, Config{FrameLimit: 32 << 10}, huge{c.items, lacks}, all, 32<<10)
			if len(s.need) != 1 || s.need[0] != all.item(lacks).ID {
				t.Errorf("%d items: %d found of the one that is lacking", c.items, len(s.need))
			}
			if lacks == c.items/3 {
				t.Logf("%d items: %d rounds, %d and %d bytes", c.items, s.rounds, s.up, s.down)
			}
			if s.rounds > c.rounds || s.up+s.down > c.bytes {
				t.Errorf("%d items without %d: %d rounds, %d and %d bytes; want %d and %d", c.items, lacks, s.rounds, s.up, s.down, c.rounds, c.bytes)
			}
		}
	}
}
