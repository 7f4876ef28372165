package store

import (
	"math"
	"slices"
	"sync/atomic"
)

// versionCache has the versions under composite keys that readers asked for lately, of keys that
// have few. It spares them a look into each run.
//
// An entry is what one transaction saw: the one whose last record is asOf. Another one may take it
// if no version of the key came between the two. The writer tells of each version before its commit
// can be seen. So the cache knows for each key a record that no version of it came after. Many keys
// share a place for that: what is said of one makes entries of the others useless, and never wrong.
type versionCache struct {
	touched [touchedPlaces]atomic.Int64
	entries lately[cachedVersions]
}

type cachedVersions struct {
	asOf int64
	list []keyed
}

const (
	touchedPlaces = 1 << 16
	// fewVersions is how many a key has at most to be remembered.
	fewVersions = 4
)

func newVersionCache() *versionCache {
	return &versionCache{entries: newLately[cachedVersions](cachedRecords)}
}

func (v *versionCache) place(composite int64) *atomic.Int64 {
	return &v.touched[uint64(composite)%touchedPlaces]
}

// touch is told that a transaction adds a version of a record, or changes one. It is called before
// the transaction ends. An index of math.MaxInt64 is for what all transactions may see otherwise
// than before.
func (v *versionCache) touch(composite, idx int64) {
	if p := v.place(composite); p.Load() < idx {
		p.Store(idx)
	}
}

// get returns the versions under a key for a transaction that sees records up to one. They are not
// the caller's.
func (v *versionCache) get(composite, seen int64) (list []keyed, found bool) {
	if e := v.entries.get(uint64(composite)); e != nil && v.place(composite).Load() <= min(seen, e.asOf) {
		return e.list, true
	}
	return nil, false
}

// add remembers what a transaction that sees records up to one has read.
func (v *versionCache) add(composite, seen int64, list []keyed) {
	v.entries.add(uint64(composite), cachedVersions{seen, slices.Clip(list)})
}

// everyTransaction is an index after all others.
const everyTransaction = math.MaxInt64
