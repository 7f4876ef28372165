package negentropy

import "github.com/lf-store/lf/internal/mapped"

// IDs are the IDs of a tree's items, by the numbers under which they were inserted. So a tree need
// not hold them.
type IDs interface {
	// ID returns the ID with a number. Where it cannot be had, ID panics: what the tree was about
	// to do is then half done.
	ID(number uint32) *ID
}

// heldIDs are IDs in memory.
type heldIDs struct{ list mapped.Arena[ID] }

func (h *heldIDs) ID(number uint32) *ID { return h.list.At(number) }

// entry is an item with its number.
type entry struct {
	Item
	number uint32
}

// reference is an item as the tree has it.
type reference struct {
	timestamp uint64
	number    uint32
}

func (e *entry) reference() reference { return reference{e.Timestamp, e.number} }

// compare tells the order of an item and one that the tree has: negative, zero, positive.
func (t *nodes) compare(item *entry, r reference) int {
	switch {
	case item.Timestamp < r.timestamp:
		return -1
	case item.Timestamp > r.timestamp:
		return 1
	case item.number == r.number && item.number != unnumbered:
		return 0
	}
	id := t.ids.ID(r.number)
	for i := range id { // most differ at once
		if item.ID[i] != id[i] {
			return int(item.ID[i]) - int(id[i])
		}
	}
	return 0
}

// unnumbered is the number of what is looked for and not inserted.
const unnumbered = 1<<32 - 1
