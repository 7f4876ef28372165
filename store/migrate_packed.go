package store

import (
	"fmt"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// packing is the table into which the rows of records are moved while they are packed. Rewritten in
// place they would leave their pages half empty. It takes the place of records in the end.
const packing = "packing"

// isPacking reports whether some records are in another table than the others.
func (c *conn) isPacking() (bool, error) {
	return c.one(nil, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", packing)
}

// packingSpace is for the first portion, before pages of the old table are free, and for the log.
func packingSpace(size int64) int64 { return size/16 + 16<<20 }

// unpackedRow is a row of records as it was.
type unpackedRow struct {
	stored
	idx, timestamp int64
	node           []byte
}

// packPortion packs the headers of the next records, and makes the checksums of their IDs.
func (t *tx) packPortion(at int64) (next int64, err error) {
	if at == 0 {
		if err := t.script("CREATE TABLE " + packing + " (idx INTEGER PRIMARY KEY, header BLOB NOT NULL, value BLOB) STRICT"); err != nil {
			return 0, err
		}
	}
	var list []unpackedRow
	if err := t.each(func(r *rows) error {
		row := unpackedRow{idx: r.int(0), timestamp: r.int(4), node: r.blob(5)}
		row.read(r, 1)
		list = append(list, row)
		return nil
	}, "SELECT idx, id, header, value, timestamp, node FROM records JOIN dag USING (idx) WHERE idx > ? ORDER BY idx LIMIT ?", at, int64(migrationStep)); err != nil {
		return 0, err
	}
	next = at
	for i := range list {
		next = list[i].idx
		if err := t.packRow(&list[i]); err != nil {
			return 0, err
		}
	}
	if _, err := t.exec("DELETE FROM records WHERE idx > ? AND idx <= ?", at, next); err != nil {
		return 0, err
	}
	if len(list) == migrationStep && next < t.meta.attached {
		return next, nil
	}
	return t.meta.attached, t.endPacking()
}

// endPacking puts the new table in the place of the old one. What is left there has no row in dag:
// it is no record of this node.
func (t *tx) endPacking() error {
	return t.script(fmt.Sprintf(`INSERT OR IGNORE INTO %[1]s SELECT idx, header, value FROM records;
		DROP TABLE records; ALTER TABLE %[1]s RENAME TO records`, packing))
}

// packRow packs one record. One that is damaged stays as it is, with a checksum that is wrong. So
// it is found and repaired as before.
func (t *tx) packRow(row *unpackedRow) error {
	var id protocol.ID
	copy(id[:], row.id)
	header, sum := row.header, ^checksum(row.idx, id, row.timestamp)
	r, err := t.verifyLinked(row.idx, row.stored)
	switch {
	case err == nil:
		row.timestamp = int64(r.Timestamp)
		id = r.ID()
		sum = checksum(row.idx, id, row.timestamp)
		if header, err = t.packVerified(row.idx, r, row.node); err != nil {
			return err
		}
	case asDamaged(err) == nil:
		return err
	}
	if err == nil && !row.names(id) {
		if _, err := t.exec("UPDATE dag SET id = ? WHERE idx = ?", id[:], row.idx); err != nil {
			return err
		}
	}
	if _, err := t.exec("UPDATE dag SET timestamp = ?, sum = ? WHERE idx = ?", row.timestamp, sum, row.idx); err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO "+packing+" VALUES (?, ?, ?)", row.idx, header, row.value)
	return err
}

// verifyLinked is verify where the ID may be what is damaged: then another record links the one
// that the header has. There is no other index of IDs to ask.
func (t *tx) verifyLinked(idx int64, s stored) (*protocol.Record, error) {
	r, err := verify(s)
	if asDamaged(err) == nil {
		return r, err
	}
	has, decodeErr := protocol.DecodeRecord(s.header, s.value)
	if decodeErr != nil || !has.HasValue() || has.CheckCarried() != nil {
		return nil, err
	}
	id := has.ID()
	if linked, e := t.one(nil, "SELECT 1 FROM records WHERE idx > ? AND instr(header, ?) LIMIT 1", idx, id[:]); e != nil {
		return nil, e
	} else if linked {
		return has, nil
	}
	return nil, err
}

// packVerified packs a record that was verified. Where the table dag does not have its links its
// header stays as it is.
func (t *tx) packVerified(idx int64, r *protocol.Record, node []byte) ([]byte, error) {
	var where dag.Record
	if readNode(&where, idx, node) != nil || len(where.Parents) != len(r.Links) {
		return r.HeaderBytes(), nil //nolint:nilerr // it is sound as it is
	}
	parents := make([]place, len(r.Links))
	for i, p := range where.Parents {
		row, err := t.identity(int64(p))
		if ignoreMissing(err) != nil {
			return nil, err
		}
		if row.id != r.Links[i] {
			return r.HeaderBytes(), nil
		}
		parents[i] = place{int64(p), int64(row.timestamp)}
	}
	return t.pack(nil, idx, r, parents)
}
