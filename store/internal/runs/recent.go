package runs

import (
	"bytes"
	"cmp"
	"sync"

	"github.com/tidwall/btree"
)

// recent holds the rows that came last. The writer adds to it while readers look.
type recent struct {
	kind *Kind

	mu   sync.RWMutex
	tree *btree.BTreeG[recentRow]
	// filter says of most keys that are not there that they are not.
	filter *filter
}

// recentRow is a row, and the first of the recent records that has it. order is how it begins, so
// that few rows need a look at more.
type recentRow struct {
	order  uint64
	row    []byte
	number uint32
}

func newRecent(kind *Kind, rows int) *recent {
	return &recent{kind: kind, filter: newFilter(rows),
		tree: btree.NewBTreeGOptions(recentRow.less, btree.Options{NoLocks: true})}
}

func newRecentRow(row []byte, number uint32) recentRow {
	return recentRow{orderOf(row), row, number}
}

func (r recentRow) less(o recentRow) bool {
	return cmp.Or(cmp.Compare(r.order, o.order), bytes.Compare(r.row, o.row)) < 0
}

// add adds a row, and reports whether it was not there.
func (r *recent) add(row recentRow) (added bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if had, replaced := r.tree.Set(row); replaced {
		r.tree.Set(had) // the first record's
		return false
	}
	r.filter.add(r.kind.keyOf(row.row))
	return true
}

// remove removes a row, and reports whether it was there.
func (r *recent) remove(row recentRow) (had recentRow, removed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tree.Delete(row)
}

func (r *recent) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tree.Len()
}

// mayHave reports whether there may be rows that begin with a key.
func (r *recent) mayHave(key uint64) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.filter.has(key)
}

// from appends to list at most limit rows from one on, of records up to last. after leaves that row
// itself out.
func (r *recent) from(list [][]byte, row []byte, after bool, last uint32, limit int) [][]byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.tree.Ascend(newRecentRow(row, 0), func(have recentRow) bool {
		if have.number > last || after && bytes.Equal(have.row, row) {
			return true
		}
		list = append(list, have.row)
		return len(list) < limit
	})
	return list
}

// each calls yield with all rows in their order. The writer calls it, which alone changes them.
func (r *recent) each(yield func(row []byte) error) (err error) {
	r.tree.Scan(func(have recentRow) bool {
		err = yield(have.row)
		return err == nil
	})
	return err
}
