package runs

import (
	"cmp"
	"slices"
	"sync"
)

// recent holds the entries that came last, in the order of their numbers. The writer adds to it
// while readers look.
type recent struct {
	mu     sync.RWMutex
	list   []Entry
	newest map[uint64]uint32 // the place in list of a key's last entry, counted from 1
	before map[uint32]uint32 // the place of the entry with the same key before that at a place
}

func newRecent() *recent { return &recent{newest: map[uint64]uint32{}, before: map[uint32]uint32{}} }

func (r *recent) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
	at := uint32(len(r.list))
	if had := r.newest[e.Key]; had > 0 {
		r.before[at] = had
	}
	r.newest[e.Key] = at
}

// truncate drops all but the first n entries.
func (r *recent) truncate(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at := len(r.list); at > n; at-- {
		key := r.list[at-1].Key
		if had := r.before[uint32(at)]; had > 0 {
			r.newest[key] = had
			delete(r.before, uint32(at))
		} else {
			delete(r.newest, key)
		}
	}
	r.list = r.list[:n]
}

func (r *recent) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.list)
}

// find returns the numbers of a key, the last one first.
func (r *recent) find(key uint64) (numbers []uint32) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for at := r.newest[key]; at > 0; at = r.before[at] {
		numbers = append(numbers, r.list[at-1].Number)
	}
	return numbers
}

// sorted returns the entries by their keys.
func (r *recent) sorted() []Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := slices.Clone(r.list)
	slices.SortFunc(list, compare)
	return list
}

func compare(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Number, b.Number))
}
