package store

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// writtenSorted is how many records a migration sorts by their owners at a time: 24 bytes each. In
// that order the rows of a step share pages.
const writtenSorted = 1 << 18

// writtenRow is a row of the table written.
type writtenRow struct{ owner, timestamp, idx int64 }

// migrateWritten files all records by their owners. A record with a damaged header is filed when it
// is repaired.
func (t *tx) migrateWritten() error {
	list := make([]writtenRow, 0, min(t.meta.attached, writtenSorted))
	for last := int64(0); last < t.meta.attached; {
		before := last
		if err := t.each(func(r *rows) error {
			last = r.int(0)
			id := sha256.Sum256(r.blob(1))
			if string(id[:]) != string(r.blob(2)) {
				return nil
			}
			record, err := protocol.DecodeRecord(r.blob(1), nil)
			if err != nil {
				return nil //nolint:nilerr // it is damaged, though its ID is not
			}
			list = append(list, writtenRow{prefix(record.Owner[:]), int64(record.Timestamp), last})
			return nil
		}, "SELECT idx, header, id FROM records JOIN dag USING (idx) WHERE idx > ? ORDER BY idx LIMIT ?", last, int64(migrationStep)); err != nil {
			return err
		}
		if last == before {
			break // what lacks its row in dag is another problem
		}
		if len(list) > cap(list)-migrationStep || last >= t.meta.attached {
			if err := t.fileSorted(list); err != nil {
				return err
			}
			t.logProgress(last)
			list = list[:0]
		}
	}
	return t.fileSorted(list)
}

func (t *tx) fileSorted(list []writtenRow) error {
	slices.SortFunc(list, func(a, b writtenRow) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(b.timestamp, a.timestamp), cmp.Compare(b.idx, a.idx))
	})
	for _, w := range list {
		if err := t.insertLater(intoWritten, w.owner, w.timestamp, w.idx); err != nil {
			return err
		}
	}
	return nil
}
