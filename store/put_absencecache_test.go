package store

import (
	"database/sql/driver"
	"testing"
)

// TestAbsenceIsOneRow looks for values that many rows have. Each may cost one row, however many
// have it. Otherwise a record under a key that many owners claim would read all their claims.
func TestAbsenceIsOneRow(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	compositeOf := func(name string) int64 {
		return newEntry(c.w.make(spec{at: 1, sels: []sel{{name, 0}}, value: "v"})).composite
	}
	crowded, absent := compositeOf("crowded"), compositeOf("nobody's")
	err := c.s.change(t.Context(), func(tx *tx) error {
		found := 0
		values := []int64{crowded, absent}
		if err := tx.lookFor(findVersions, len(values), func(i int) driver.Value { return values[i] }, func(*rows) { found++ }); err != nil {
			return err
		}
		if found > len(values) {
			t.Errorf("%d rows for %d values", found, len(values))
		}
		unclaimed, err := tx.absentNumbers(findVersions, values)
		if unclaimed[crowded] || !unclaimed[absent] {
			t.Errorf("unclaimed: %v", unclaimed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
