package store

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/lf-store/lf/protocol"
)

// recordCache has attached records that were read lately, decoded and compared with their IDs. A
// record never changes, and its index is another's only in a transaction that is rolled back. So
// only readers use the cache, and nothing in it is ever wrong. Damage on the disk is found by the
// scrub and by those who read the disk.
//
// A record has one of a few places in it, by its index. A record that comes replaces one of those
// at random. So a query for more records than there is room for finds some of them, where the
// oldest would always have just gone.
type recordCache struct {
	places [cachedRecords]atomic.Pointer[cachedRecord]
}

type cachedRecord struct {
	idx    int64
	record *protocol.Record
}

// ways is how many places a record may have.
const ways = 4

func (r *recordCache) set(idx int64) []atomic.Pointer[cachedRecord] {
	at := int(uint64(idx)*ways) % cachedRecords
	return r.places[at : at+ways]
}

// get returns a record, nil if it is not there.
func (r *recordCache) get(idx int64) *protocol.Record {
	set := r.set(idx)
	for i := range set {
		if c := set[i].Load(); c != nil && c.idx == idx {
			return c.record
		}
	}
	return nil
}

// add remembers a record unless it is large.
func (r *recordCache) add(idx int64, record *protocol.Record) {
	if record.WireSize() > maxCachedSize {
		return
	}
	set, at := r.set(idx), rand.N(ways)
	for i := range set {
		if set[i].Load() == nil {
			at = i
			break
		}
	}
	set[at].Store(&cachedRecord{idx, record})
}

// cached is frame for who asks for what the record says, and not whether the disk still has it.
func (c *conn) cached(idx int64) (*protocol.Record, error) {
	if c.records == nil {
		return c.frame(idx)
	}
	if r := c.records.get(idx); r != nil {
		return r, nil
	}
	r, err := c.frame(idx)
	if err == nil {
		c.records.add(idx, r)
	}
	return r, err
}
