package store

import (
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
)

// blocksVersion is the schema that brought blocks of records.
const blocksVersion = 17

// endBlocks drops the tables that blocks replace.
const endBlocks = "DROP TABLE dag; DROP TABLE records"

// blockPortion moves the next records into blocks.
func (t *tx) blockPortion(at int64) (next int64, err error) {
	next = min(at+migrationStep, t.meta.attached)
	done := at
	if err := t.each(func(r *rows) error {
		idx := r.int(0)
		for done++; done < idx; done++ {
			if err := t.blockLost(done); err != nil {
				return err
			}
		}
		n := blocks.Node{Timestamp: r.int(1), Place: r.blob(2), Seen: r.int(3), Sum: r.int(5)}
		copy(n.ID[:], r.blob(4))
		return t.appendRecord(idx, r.blob(6), r.blob(7), &n)
	}, "SELECT idx, timestamp, node, seen, id, sum, header, value FROM dag LEFT JOIN records USING (idx) WHERE idx > ? AND idx <= ? ORDER BY idx",
		at, next); err != nil {
		return 0, err
	}
	for done++; done <= next; done++ {
		if err := t.blockLost(done); err != nil {
			return 0, err
		}
	}
	for _, table := range []string{"dag", "records"} {
		if _, err := t.exec(fmt.Sprintf("DELETE FROM %s WHERE idx > ? AND idx <= ?", table), at, next); err != nil {
			return 0, err
		}
	}
	return next, nil
}

// blockLost moves a record that the disk took from the table dag. A wrong checksum says that it is
// damaged.
func (t *tx) blockLost(idx int64) error {
	var s stored
	if _, err := t.one(func(r *rows) { s.header, s.value = r.blob(0), r.blob(1) }, "SELECT header, value FROM records WHERE idx = ?", idx); err != nil {
		return err
	}
	return t.appendRecord(idx, s.header, s.value, &blocks.Node{Sum: ^checksum(idx, protocol.ID{}, 0)})
}
