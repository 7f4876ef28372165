package store

import (
	"fmt"
	"strings"
	"testing"
)

// TestScrubRows takes rows out of the runs, and adds wrong ones, early and late ones. The check
// finds each, and the scrub mends it.
func TestScrubRows(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for kind := range kinds {
		for _, name := range []string{"value 5", "old", "tip"} {
			idx := f.index(t, name)
			for what, spoil := range map[string]func(t *tx, row []byte) error{
				"lost": func(t *tx, row []byte) error { return t.runs.Drop(runRows{conn: t.conn}, kind, row) },
				"extra": func(t *tx, row []byte) error {
					row[2] ^= 9
					return t.runs.Put(runRows{conn: t.conn}, kind, uint32(idx), row)
				},
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", kinds[kind].Name, name, what), func(t *testing.T) {
					s, log := f.open(t)
					if err := s.change(t.Context(), func(t *tx) (err error) {
						rowsOf(kind, idx, newEntry(f.records[idx]), func(row []byte) { err = spoil(t, row) })
						return err
					}); err != nil {
						t.Fatal(err)
					}
					if summary, err := s.Check(t.Context(), func(string) {}); err != nil || summary.Problems == 0 {
						t.Fatal("the check finds nothing", err)
					}
					scrubAll(t, s, scrubbed{})
					mustBeSound(t, s)
					if d := s.Damage(); d.Rows == 0 || len(d.Problems) > 0 || len(d.Records) > 0 || !strings.Contains(log.String(), kinds[kind].Name) {
						t.Errorf("%+v, %s", d, log)
					}
				})
			}
		}
	}
}
