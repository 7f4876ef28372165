package store

import (
	"crypto/sha256"

	"github.com/lf-store/lf/protocol"
)

// migrateIDs notes the ID of each record. That of a damaged header is taken from a record that
// links it; of one that nothing links only the beginning is known.
func (t *tx) migrateIDs() error {
	damaged := map[protocol.ID]int64{} // by the known beginning of their IDs
	for done := int64(0); done < t.meta.attached; {
		step := make(map[int64]protocol.ID, migrationStep)
		if err := t.each(func(r *rows) error {
			done = r.int(0)
			step[done] = sha256.Sum256(r.blob(1))
			return nil
		}, "SELECT idx, header FROM records WHERE idx > ? ORDER BY idx LIMIT ?", done, int64(migrationStep)); err != nil {
			return err
		}
		if len(step) == 0 {
			return errLayout
		}
		for idx, id := range step {
			known := id[:]
			if !t.isIndexed(id, idx) {
				var beginning protocol.ID
				if _, err := t.one(func(r *rows) { copy(beginning[:], prefixBytes(r.int(0))) }, "SELECT prefix FROM ids WHERE idx = ?", idx); err != nil {
					return err
				}
				damaged[beginning] = idx
				known = beginning[:prefixSize]
			}
			if _, err := t.exec("UPDATE dag SET id = ? WHERE idx = ?", known, idx); err != nil {
				return err
			}
		}
	}
	if len(damaged) == 0 {
		return nil
	}
	return t.completeIDs(damaged)
}

// completeIDs looks for the whole IDs of damaged records among the links of all others.
func (t *tx) completeIDs(damaged map[protocol.ID]int64) error {
	whole := map[int64]protocol.ID{}
	if err := t.each(func(r *rows) error {
		record, err := protocol.DecodeRecord(r.blob(0), nil)
		if err != nil {
			return nil //nolint:nilerr // it is one of the damaged ones
		}
		for _, link := range record.Links {
			var beginning protocol.ID
			copy(beginning[:], link[:prefixSize])
			if idx, ok := damaged[beginning]; ok {
				whole[idx] = link
			}
		}
		return nil
	}, "SELECT header FROM records ORDER BY idx"); err != nil {
		return err
	}
	for idx, id := range whole {
		if _, err := t.exec("UPDATE dag SET id = ? WHERE idx = ?", id[:], idx); err != nil {
			return err
		}
	}
	return nil
}
