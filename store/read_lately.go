package store

import (
	"math/rand/v2"
	"sync/atomic"
)

// lately remembers what was read lately, by a number, up to a fixed number of values. It is safe
// for concurrent use, and nobody waits.
//
// A value has one of a few places, in two sets. One that comes takes a free place, or replaces
// another value at random. So who asks for more than there is room for finds some of it, where the
// oldest would always have just gone. With two sets to choose from nearly all places fill before a
// value must go.
type lately[V any] struct {
	// keys are those in places, for a look without leaving them. The place decides.
	keys   []atomic.Uint64
	places []atomic.Pointer[latelyRead[V]]
}

type latelyRead[V any] struct {
	key   uint64
	value V
}

// ways is how many places a set has.
const ways = 4

// newLately has room for a number of values, a multiple of four.
func newLately[V any](room int) lately[V] {
	return lately[V]{make([]atomic.Uint64, room), make([]atomic.Pointer[latelyRead[V]], room)}
}

// sets returns where the two sets of a key begin.
func (l *lately[V]) sets(key uint64) [2]int {
	h := key * 0x9e3779b97f4a7c15
	n := uint64(len(l.keys) / ways)
	return [2]int{int(h >> 32 % n * ways), int((h ^ h>>29) * 0xbf58476d1ce4e5b9 >> 32 % n * ways)}
}

// get returns a value, nil if it is not there. Nobody may change it.
func (l *lately[V]) get(key uint64) *V {
	for _, at := range l.sets(key) {
		for i := at; i < at+ways; i++ {
			if l.keys[i].Load() != key {
				continue
			}
			if r := l.places[i].Load(); r != nil && r.key == key {
				return &r.value
			}
		}
	}
	return nil
}

// add remembers a value.
func (l *lately[V]) add(key uint64, value V) {
	at := l.place(key)
	l.keys[at].Store(key)
	l.places[at].Store(&latelyRead[V]{key, value})
}

// place returns where a value goes: where it is, or to the set with more room, or anywhere.
func (l *lately[V]) place(key uint64) int {
	best, most := -1, 0
	sets := l.sets(key)
	for _, at := range sets {
		free, first := 0, -1
		for i := at; i < at+ways; i++ {
			switch r := l.places[i].Load(); {
			case r == nil:
				free++
				first = i
			case r.key == key:
				return i
			}
		}
		if free > most {
			best, most = first, free
		}
	}
	if best < 0 {
		best = sets[rand.N(2)] + rand.N(ways)
	}
	return best
}
