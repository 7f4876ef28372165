package store

import (
	"math/rand/v2"
	"sync/atomic"
)

// lately remembers what was read lately, by a number, up to a fixed number of values. It is safe
// for concurrent use, and nobody waits.
//
// A value has one of a few places, in two sets. One that comes takes a free place, or else that of
// the value which was not used for longest. With two sets to choose from nearly all places fill
// before a value must go. So what is used now is all there on the second or third look, whatever
// was used before.
type lately[V any] struct {
	// keys are those in places, for a look without leaving them. The place decides.
	keys   []latelyKey
	places []atomic.Pointer[latelyRead[V]]
	came   atomic.Uint64 // how many values
}

// latelyKey is a key, and when it was used: how far the clock was, see [lately.now].
type latelyKey struct {
	key  atomic.Uint64
	used atomic.Uint64
}

type latelyRead[V any] struct {
	key   uint64
	value V
}

// ways is how many places a set has.
const ways = 4

// newLately has room for a number of values, a multiple of four.
func newLately[V any](room int) lately[V] {
	return lately[V]{keys: make([]latelyKey, room), places: make([]atomic.Pointer[latelyRead[V]], room)}
}

// now is a clock that goes on with every 64 values that come. It stands still while all that is
// asked for is there: then whoever reads writes nothing that others read.
func (l *lately[V]) now() uint64 { return l.came.Load() / 64 }

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
			if l.keys[i].key.Load() != key {
				continue
			}
			if r := l.places[i].Load(); r != nil && r.key == key {
				l.use(i)
				return &r.value
			}
		}
	}
	return nil
}

func (l *lately[V]) use(at int) {
	if now := l.now(); l.keys[at].used.Load() != now {
		l.keys[at].used.Store(now)
	}
}

// add remembers a value.
func (l *lately[V]) add(key uint64, value V) {
	l.came.Add(1)
	at := l.place(key)
	l.keys[at].key.Store(key)
	l.use(at)
	l.places[at].Store(&latelyRead[V]{key, value})
}

// place returns where a value goes: where it is, or to the set with more room. Where both are full
// it takes the place of the value that was not used for longest.
func (l *lately[V]) place(key uint64) int {
	sets := l.sets(key)
	best, most, oldest := -1, 0, sets[rand.N(2)]+rand.N(ways)
	for _, at := range sets {
		free, first := 0, -1
		for i := at; i < at+ways; i++ {
			switch r := l.places[i].Load(); {
			case r == nil:
				free++
				first = i
			case r.key == key:
				return i
			case l.keys[i].used.Load() < l.keys[oldest].used.Load():
				oldest = i
			}
		}
		if free > most {
			best, most = first, free
		}
	}
	if best < 0 {
		return oldest
	}
	return best
}
