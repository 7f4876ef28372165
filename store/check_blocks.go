package store

import (
	"errors"
	"fmt"
	"math"

	"github.com/lf-store/lf/store/internal/blocks"
)

// checkBlocks checks that the blocks follow each other without a gap, and end with the same record.
func (v *verifier) checkBlocks() error {
	last, err := v.lastInGraph()
	if err != nil {
		return err
	}
	ends := map[string]int64{}
	follow := func(table string, first int64, count int) {
		if first != ends[table]+1 || count == 0 {
			v.problem("%s has a block of %d records from %d on, after record %d", table, count, first, ends[table])
		}
		ends[table] = first + int64(count) - 1
	}
	for table, columns := range map[string]string{"graph_blocks": "ids, times, nodes", "record_blocks": "sizes, bytes"} {
		if err := v.each(func(r *rows) error {
			count := 0
			if table == "graph_blocks" {
				b := &blocks.Graph{IDs: r.blob(1), Times: r.blob(2), Nodes: r.blob(3)}
				count = b.Len()
			} else {
				b := &blocks.Records{Sizes: r.blob(1), Bytes: r.blob(2)}
				count = b.Len()
			}
			follow(table, r.int(0), count)
			return v.ctx.Err()
		}, fmt.Sprintf("SELECT first, %s FROM %s ORDER BY first", columns, table)); err != nil {
			return err
		}
	}
	for table, end := range ends {
		if end != last {
			v.problem("%s ends with record %d, the graph with %d", table, end, last)
		}
	}
	return nil
}

// referring are the columns with the index of an attached record.
var referring = []string{"tips", "roots", "firsts", "certificates", "carriers", "revocations", "words", "damaged", "late_releases", "pulses"}

// checkReferences checks that no row refers to a record that is not attached.
func (v *verifier) checkReferences() (err error) {
	for _, table := range referring {
		_, e := v.one(func(r *rows) { v.problem("%s has a row of record %d, which is not attached", table, r.int(0)) },
			"SELECT idx FROM "+table+" WHERE idx < 1 OR idx > ? LIMIT 1", int64(min(v.summary.Attached, math.MaxInt64)))
		err = errors.Join(err, e)
	}
	return err
}
