package pulse

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// book holds the newest pulse of each claim. It is pure.
type book struct {
	room
	claims  map[Claim]*entry
	buckets [buckets]map[protocol.ID]*entry
	// changed are the claims to be saved, and gone the indices of records whose pulses are to be
	// removed.
	changed map[*entry]bool
	gone    map[uint64]bool
}

// entry is the newest pulse of a claim.
type entry struct {
	protocol.Pulse
	*Facts
	hash  uint64 // of the pulse, in fingerprints
	place int    // in the room
	// unforwarded is set where the pulse came by an answer. Then one copy that comes otherwise is
	// passed on: neighbors may have no other way to it.
	unforwarded bool
}

func newBook(size int) *book {
	b := &book{room: newRoom(size), claims: map[Claim]*entry{}, changed: map[*entry]bool{}, gone: map[uint64]bool{}}
	for i := range b.buckets {
		b.buckets[i] = map[protocol.ID]*entry{}
	}
	return b
}

func bucketOf(id protocol.ID) int { return int(id[0]) }

// ofRecord returns the newest pulse of a claim if it is one of this record, or nil.
func (b *book) ofRecord(id protocol.ID) *entry { return b.buckets[bucketOf(id)][id] }

// newest is the second of the newest pulse of a claim, 0 where there is none.
func (b *book) newest(c Claim) uint64 {
	if e := b.claims[c]; e != nil {
		return e.Second
	}
	return 0
}

// put enters a pulse that is newer than what is known, and reports whether there was room.
func (b *book) put(p protocol.Pulse, f *Facts) bool {
	e := b.claims[f.Claim]
	if e == nil && !b.makeRoom(f, b.drop) {
		return false
	}
	if e != nil {
		b.take(e)
		if e.Index != f.Index {
			b.gone[e.Index] = true
		}
	}
	e = &entry{Pulse: p, Facts: f, hash: hashOf(&p)}
	b.claims[f.Claim] = e
	b.buckets[bucketOf(p.Record)][p.Record] = e
	b.enter(e)
	b.changed[e] = true
	delete(b.gone, f.Index)
	return true
}

// restore enters a pulse that was kept on the disk, if it is still of use and newer than what came
// since. Otherwise its row goes.
func (b *book) restore(p protocol.Pulse, f *Facts, inTime bool) {
	if inTime && p.Second > b.newest(f.Claim) && b.put(p, f) {
		delete(b.changed, b.claims[f.Claim])
		return
	}
	if e := b.claims[f.Claim]; e == nil || e.Index != f.Index {
		b.gone[f.Index] = true
	}
}

// take takes an entry out of all lists.
func (b *book) take(e *entry) {
	delete(b.claims, e.Claim)
	delete(b.buckets[bucketOf(e.Pulse.Record)], e.Pulse.Record)
	delete(b.changed, e)
	b.leave(e)
}

// drop forgets a claim.
func (b *book) drop(e *entry) {
	b.take(e)
	b.gone[e.Index] = true
}

// expire forgets the pulses that are too old.
func (b *book) expire(now uint64) (dropped []*entry) {
	for _, e := range b.claims {
		if e.Second+keepSeconds < now {
			b.drop(e)
			dropped = append(dropped, e)
		}
	}
	return dropped
}

// save returns what is to be saved since the last time.
func (b *book) save() (keep []intake.KeptPulse, forget []uint64) {
	for e := range b.changed {
		keep = append(keep, intake.KeptPulse{Pulse: e.Pulse, Index: e.Index})
	}
	for index := range b.gone {
		forget = append(forget, index)
	}
	clear(b.changed)
	clear(b.gone)
	return keep, forget
}

// hashOf is what a pulse adds to a fingerprint.
func hashOf(p *protocol.Pulse) uint64 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(p.Record[:], p.Second))
	return binary.BigEndian.Uint64(sum[:])
}

// fingerprints sums up the pulses of each bucket up to a second, so that two nodes can compare
// them. It returns nil where there are none.
func (b *book) fingerprints(until uint64) []uint64 {
	var sums []uint64
	for i := range b.buckets {
		for _, e := range b.buckets[i] {
			if e.Second <= until && e.Second+compareSeconds > until {
				if sums == nil {
					sums = make([]uint64, buckets)
				}
				sums[i] += e.hash
			}
		}
	}
	return sums
}

// differing yields the pulses of the buckets, from the first one on, whose fingerprints differ from
// those of a question.
func (b *book) differing(q question) iter.Seq[protocol.Pulse] {
	own := b.fingerprints(q.until)
	return func(yield func(protocol.Pulse) bool) {
		for i := q.first; i < buckets; i++ {
			if at(own, i) == at(q.fingerprints, i) && !q.wantsAll() {
				continue
			}
			for _, e := range b.buckets[i] {
				if e.Second+compareSeconds > q.until && !yield(e.Pulse) {
					return
				}
			}
		}
	}
}

func at(sums []uint64, i int) uint64 {
	if sums == nil {
		return 0
	}
	return sums[i]
}
