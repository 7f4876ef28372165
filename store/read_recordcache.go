package store

import "github.com/lf-store/lf/protocol"

// recordCache has attached records that were read lately, decoded and compared with their IDs. A
// record never changes, and its index is another's only in a transaction that is rolled back. So
// only readers use the cache, and nothing in it is ever wrong. Damage on the disk is found by the
// scrub and by those who read the disk.
type recordCache struct{ lately[*protocol.Record] }

func newRecordCache() *recordCache {
	return &recordCache{newLately[*protocol.Record](cachedRecords)}
}

// get returns a record, nil if it is not there.
func (r *recordCache) get(idx int64) *protocol.Record {
	if have := r.lately.get(uint64(idx)); have != nil {
		return *have
	}
	return nil
}

// add remembers a record unless it is large.
func (r *recordCache) add(idx int64, record *protocol.Record) {
	if record.WireSize() <= maxCachedSize {
		r.lately.add(uint64(idx), record)
	}
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
