package store

import (
	"math"
	"slices"
	"sync/atomic"
)

// indexCache has what readers looked up lately in the indices. That is the versions under composite
// keys that have few, and which ordinals of a short span a selector's key has. It spares them a
// look into each run.
//
// An entry is what one transaction saw: the one whose last record is asOf. Another one may take it
// if no row of the key came between the two. The writer tells of each row before its commit can be
// seen. So the cache knows for each key a record that no row of it came after. Many keys share a
// place for that: what is said of one makes entries of the others useless, and never wrong.
//
// What was read while something was damaged may lack a row. So no entry outlives a repair, of
// whatever.
type indexCache struct {
	repairs  atomic.Uint64
	touched  [touchedPlaces]atomic.Int64
	versions lately[cachedVersions]
	spans    lately[cachedSpan]
}

type cachedVersions struct {
	snapshot
	list []keyed
}

// snapshot is what a transaction sees: the records up to one, after some repairs.
type snapshot struct {
	asOf    int64
	repairs uint64
}

// cachedSpan is the ordinals in a span under which there are composite keys of one selector.
type cachedSpan struct {
	span
	snapshot
	ordinals []uint64
}

const (
	touchedPlaces = 1 << 16
	// fewVersions is how many a key has at most to be remembered, and shortSpan how many ordinals a
	// span is long.
	fewVersions = 4
	shortSpan   = 64
)

func newIndexCache() *indexCache {
	return &indexCache{versions: newLately[cachedVersions](cachedRecords), spans: newLately[cachedSpan](cachedSpans)}
}

func (x *indexCache) place(key int64) *atomic.Int64 { return &x.touched[uint64(key)%touchedPlaces] }

// touch is told that a transaction adds a row of a composite key or a selector's key, with the
// record that has it. It is called before the transaction ends.
func (x *indexCache) touch(key, idx int64) {
	if p := x.place(key); p.Load() < idx {
		p.Store(idx)
	}
}

// everyTransaction is an index for a row that all transactions may see otherwise than before.
const everyTransaction = math.MaxInt64

// holds reports whether one transaction sees of a key what another one saw.
func (x *indexCache) holds(key int64, saw, sees snapshot) bool {
	return saw.repairs == sees.repairs && x.place(key).Load() <= min(saw.asOf, sees.asOf)
}

// versionsUnder returns the versions under a key for a transaction. They are not the caller's.
func (x *indexCache) versionsUnder(composite int64, sees snapshot) (list []keyed, found bool) {
	if e := x.versions.get(uint64(composite)); e != nil && x.holds(composite, e.snapshot, sees) {
		return e.list, true
	}
	return nil, false
}

// addVersions remembers what a transaction has read.
func (x *indexCache) addVersions(composite int64, saw snapshot, list []keyed) {
	x.versions.add(uint64(composite), cachedVersions{saw, slices.Clip(list)})
}

// number tells spans apart, most often.
func (s span) number() uint64 {
	return uint64(s.key) ^ s.from*0x9e3779b97f4a7c15 ^ s.to*0xc2b2ae3d27d4eb4f
}

// ordinals returns those of a span for a transaction. They are not the caller's.
func (x *indexCache) ordinals(s span, sees snapshot) (list []uint64, found bool) {
	if e := x.spans.get(s.number()); e != nil && e.span == s && x.holds(s.key, e.snapshot, sees) {
		return e.ordinals, true
	}
	return nil, false
}

// addOrdinals remembers what a transaction has read.
func (x *indexCache) addOrdinals(s span, saw snapshot, list []uint64) {
	x.spans.add(s.number(), cachedSpan{s, saw, slices.Clip(list)})
}
