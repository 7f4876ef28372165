package store

import (
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// absenceCache knows what is not in the database of what putting many records will ask for. It is
// filled by a few statements for all of them, and is told when something comes. The zero value
// knows nothing.
type absenceCache struct {
	// unclaimed are composite keys without a version.
	unclaimed map[int64]bool
	// unheld are IDs of no held record.
	unheld map[protocol.ID]bool
}

// lookedUpAtOnce is how many things one statement looks for: more save nothing.
const lookedUpAtOnce = 32

// present returns a statement that finds which of lookedUpAtOnce values are in a column. It gives
// each of them once: a key that many owners claim has many rows, and each would be read for every
// batch.
func present(table, column string) string {
	values := "(?)" + strings.Repeat(", (?)", lookedUpAtOnce-1)
	return "WITH wanted(value) AS (VALUES " + values + ") SELECT value FROM wanted" +
		" WHERE EXISTS (SELECT 1 FROM " + table + " WHERE " + column + " = wanted.value)"
}

var findHeld = present("held", "id")

// lookAhead fills the cache for putting some records.
func (t *tx) lookAhead(puts []*put) (err error) {
	ids, composites := make([]protocol.ID, len(puts)), make([]int64, 0, len(puts))
	for i, p := range puts {
		ids[i] = p.entry.ID()
		if len(p.entry.rows) > 0 {
			composites = append(composites, p.entry.composite)
		}
	}
	slices.Sort(composites)
	composites = slices.Compact(composites)
	v := &t.absences
	if v.unclaimed, err = t.unclaimed(composites); err != nil {
		return err
	}
	if t.meta.held == 0 {
		return nil
	}
	v.unheld, err = t.absentIDs(findHeld, ids)
	return err
}

// absentIDs returns those of the IDs that a statement does not find.
func (t *tx) absentIDs(sql string, ids []protocol.ID) (map[protocol.ID]bool, error) {
	absent := make(map[protocol.ID]bool, len(ids))
	for _, id := range ids {
		absent[id] = true
	}
	err := t.lookFor(sql, len(ids), func(i int) driver.Value { return ids[i][:] }, func(r *rows) { delete(absent, protocol.ID(r.blob(0))) })
	return absent, err
}

// lookFor runs a statement for n values, many at a time.
func (t *tx) lookFor(sql string, n int, value func(i int) driver.Value, found func(*rows)) error {
	var args [lookedUpAtOnce]driver.Value
	for from := 0; from < n; from += lookedUpAtOnce {
		for i := range args {
			args[i] = value(min(from+i, n-1))
		}
		if err := t.each(func(r *rows) error { found(r); return nil }, sql, args[:]...); err != nil {
			return err
		}
	}
	return nil
}
