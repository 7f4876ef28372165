package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// The kinds of rows that are kept in runs, in the order of the schemas that brought them.
const (
	kindIDs       = iota // an ID's beginning leads to the record
	kindWritten          // an owner's records, the newest first
	kindSelectors        // what composite keys have a selector
	kindVersions         // a composite key's data and releases, by owners, the newest first
	kindReleases         // its releases alone
)

// kinds are the kinds of rows. See idRow, writtenRow and appendSelectorRow.
var kinds = []runs.Kind{
	kindIDs:       {Name: "the index of IDs", Key: idKeySize, Tail: runs.Ascending},
	kindWritten:   {Name: "the index of owners' records", Key: prefixSize, Tail: runs.Descending},
	kindSelectors: {Name: "the index of selectors", Key: prefixSize},
	kindVersions:  {Name: "the index of versions", Key: prefixSize, Tail: runs.Ascending},
	kindReleases:  {Name: "the index of releases", Key: prefixSize, Tail: runs.Ascending},
}

// idKeySize is how much of an ID its row has. Whoever looks one up compares the whole ID.
const idKeySize = 5

// idRow is the row of a record's ID. One that is damaged may be short.
func idRow(id []byte, idx int64) []byte {
	row := make([]byte, idKeySize, idKeySize+4)
	copy(row, id)
	return runs.Ascending.AppendNumber(row, uint32(idx))
}

// timeSize is how many bytes of a timestamp a row has.
const timeSize = 7

// appendLatest appends a timestamp so that later ones come first.
func appendLatest(row []byte, timestamp uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], ^timestamp)
	return append(row, b[8-timeSize:]...)
}

// latest reads what appendLatest wrote.
func latest(b []byte) (timestamp uint64) {
	for _, c := range b[:timeSize] {
		timestamp = timestamp<<8 | uint64(^c)
	}
	return timestamp
}

// writtenRow lists a record among its owner's. Without an index it is the beginning of those of its
// time.
func writtenRow(owner protocol.Owner, timestamp uint64) []byte {
	return appendLatest(append(make([]byte, 0, prefixSize+timeSize+4), owner[:prefixSize]...), timestamp)
}

// rowsOf calls yield with the rows of a kind that a record has.
func rowsOf(kind int, idx int64, e *entry, yield func(row []byte)) {
	switch kind {
	case kindIDs:
		id := e.ID()
		yield(idRow(id[:], idx))
	case kindWritten:
		yield(runs.Descending.AppendNumber(writtenRow(e.Owner, e.Timestamp), uint32(idx)))
	case kindSelectors:
		for i := range e.rows {
			row := make([]byte, 0, 2*prefixSize+4+len(e.rows[i].others))
			yield(appendSelectorRow(row, e.rows[i], len(e.rows), e.composite))
		}
	}
}

// rowsOfRecord calls yield with the rows of any kind that a record has.
func (c *conn) rowsOfRecord(kind int, idx int64, e *entry, yield func(row []byte)) error {
	if kind == kindVersions || kind == kindReleases {
		return c.versionRows(kind, idx, e, yield)
	}
	rowsOf(kind, idx, e, yield)
	return nil
}

// addRows adds the rows of a record that attaches, but for those of a version.
func (t *tx) addRows(idx int64, e *entry) {
	for kind := range kinds {
		rowsOf(kind, idx, e, func(row []byte) { t.runs.Add(kind, uint32(idx), row) })
	}
	for i := range e.rows {
		t.store.indexCache.touch(e.rows[i].key, idx)
	}
}

// putRows adds the rows of a kind that a record lacks.
func (t *tx) putRows(kind int, idx int64, e *entry) (err error) {
	if kind == kindVersions || kind == kindReleases {
		return t.putVersion(kind, idx, e)
	}
	rowsOf(kind, idx, e, func(row []byte) {
		if err == nil {
			err = t.putRow(kind, idx, row)
		}
	})
	return err
}

// touchRow tells that a row is mended.
func (t *tx) touchRow(kind int, row []byte) {
	if (kind == kindVersions || kind == kindSelectors) && len(row) >= prefixSize {
		t.store.indexCache.touch(prefix(row), everyTransaction)
	}
}

// putRow adds a row that a record lacks.
func (t *tx) putRow(kind int, idx int64, row []byte) error {
	t.touchRow(kind, row)
	err := t.runs.Put(runRows{conn: t.conn}, kind, uint32(idx), row)
	t.view = t.runs.Head()
	return err
}

// dropRow removes a row that no record has.
func (t *tx) dropRow(kind int, row []byte) error {
	t.touchRow(kind, row)
	err := t.runs.Drop(runRows{conn: t.conn}, kind, row)
	t.view = t.runs.Head()
	return err
}

// hasRows reports whether all rows of a kind that a record has are there.
func (c *conn) hasRows(kind int, idx int64, e *entry) (all bool, err error) {
	all = true
	none := c.rowsOfRecord(kind, idx, e, func(row []byte) {
		if err == nil && all {
			all, err = c.hasRow(kind, row)
		}
	})
	return all, errors.Join(none, err)
}

// scan returns a cursor over the rows of a range that the transaction sees.
func (c *conn) scan(kind int, bounds runs.Range) (*runs.Cursor, error) {
	v, err := c.runsView()
	if err != nil {
		return nil, err
	}
	return v.Scan(runRows{conn: c}, kind, bounds, c.seen)
}

// eachRow calls do with the rows of a range that the transaction sees. A row is valid until do
// returns.
func (c *conn) eachRow(kind int, bounds runs.Range, do func(row []byte) error) error {
	cursor, err := c.scan(kind, bounds)
	if err != nil {
		return err
	}
	for {
		row, more, err := cursor.Next()
		if err != nil || !more {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
}

// lastRow returns the last row of a range that the transaction sees; nil: there is none.
func (c *conn) lastRow(kind int, bounds runs.Range) ([]byte, error) {
	v, err := c.runsView()
	if err != nil {
		return nil, err
	}
	return v.Last(runRows{conn: c}, kind, bounds, c.seen)
}

func (c *conn) hasRow(kind int, row []byte) (bool, error) {
	v, err := c.runsView()
	if err != nil {
		return false, err
	}
	return v.Has(runRows{conn: c}, kind, row, c.seen)
}

// derivedAtOnce is how many rows are derived between two looks at whether somebody waits.
const derivedAtOnce = 256

// runRows is what a connection's transaction sees of the runs, and of the records that they are of.
type runRows struct {
	*conn
	// building says how far kinds are that are not complete; nil: all are.
	building *building
}

// building is how far the runs of some kinds are while they are built.
type building struct {
	kinds []int
	at    int64
}

var _ runs.Rows = runRows{}

// placeShift is how many low bits of a place number a chunk of a run, or a piece of its head.
const placeShift = 32

// versionOfRuns reads the version of the runs, and the last record.
const versionOfRuns = "SELECT runs, attached FROM meta"

func (r runRows) RunsVersion() (version int64, err error) {
	read := func(row *rows) {
		version = row.int(0)
		r.seen = uint32(row.int(1))
	}
	if r.snapshot != nil {
		read(r.snapshot)
		return version, nil
	}
	_, err = r.one(read, versionOfRuns)
	return version, err
}

func (r runRows) SetRunsVersion(version int64) error {
	_, err := r.exec("UPDATE meta SET runs = ?", version)
	return err
}

func (r runRows) Runs() (list []runs.Run, err error) {
	err = r.each(func(row *rows) error {
		list = append(list, runs.Run{Number: int(row.int(0)), Kind: int(row.int(1)), Level: int(row.int(2)), State: runs.State(row.int(3)),
			First: uint32(row.int(4)), Last: uint32(row.int(5)),
			Rows: int(row.int(6)), Keys: int(row.int(7)), Chunks: int(row.int(8)), Blocks: int(row.int(9))})
		return nil
	}, "SELECT number, kind, level, state, first, last, rows, keys, chunks, blocks FROM runs ORDER BY number")
	return list, err
}

func (r runRows) PutRun(run runs.Run) error {
	_, err := r.exec("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(run.Number), int64(run.Kind), int64(run.Level), int64(run.State), int64(run.First), int64(run.Last),
		int64(run.Rows), int64(run.Keys), int64(run.Chunks), int64(run.Blocks))
	return err
}

func (r runRows) DeleteRun(number int) error {
	_, err := r.exec("DELETE FROM runs WHERE number = ?", int64(number))
	return err
}

func placeOf(run, n int) int64 { return int64(run)<<placeShift | int64(n) }

func (r runRows) Chunk(run, n int) (chunk []byte, err error) {
	_, err = r.one(func(row *rows) { chunk = row.blob(0) }, "SELECT chunk FROM run_chunks WHERE place = ?", placeOf(run, n))
	return chunk, err
}

func (r runRows) PutChunk(run, n int, chunk []byte) error {
	_, err := r.exec("REPLACE INTO run_chunks VALUES (?, ?)", placeOf(run, n), chunk)
	return err
}

func (r runRows) DeleteChunks(run, limit int) (int, error) {
	n, err := r.exec("DELETE FROM run_chunks WHERE place IN (SELECT place FROM run_chunks WHERE place >= ? AND place < ? ORDER BY place LIMIT ?)",
		placeOf(run, 0), placeOf(run+1, 0), int64(limit))
	return int(n), err
}

func (r runRows) Head(run int, read func(n int, piece []byte)) error {
	from := placeOf(run, 0)
	return r.each(func(row *rows) error {
		read(int(row.int(0)-from), row.blob(1))
		return nil
	}, "SELECT place, piece FROM run_heads WHERE place >= ? AND place < ? ORDER BY place", from, placeOf(run+1, 0))
}

func (r runRows) PutHead(run, n int, piece []byte) error {
	_, err := r.exec("REPLACE INTO run_heads VALUES (?, ?)", placeOf(run, n), piece)
	return err
}

func (r runRows) DeleteHead(run int) error {
	_, err := r.exec("DELETE FROM run_heads WHERE place >= ? AND place < ?", placeOf(run, 0), placeOf(run+1, 0))
	return err
}

func (r runRows) Last(kind int) (uint32, error) {
	if b := r.building; b != nil && slices.Contains(b.kinds, kind) {
		return uint32(b.at), nil
	}
	return r.lastNumber()
}

// lastNumber returns the index of the last attached record.
func (c *conn) lastNumber() (uint32, error) {
	n, err := c.number("SELECT attached FROM meta")
	return uint32(n), err
}

func (r runRows) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

func (r runRows) Damaged(e *runs.DamagedError) { r.damage.noteRun(e) }

// Derive makes rows from the blocks of the graph, or where that does not do from the records. What
// it needs to read a damaged record does not come from the runs.
func (r runRows) Derive(of []int, first, last uint32, yield func(kind int, number uint32, row []byte) error) error {
	have := r.runs
	r.runs = nil
	defer func() { r.runs = have }()
	ctx, derived, all := r.Context(), 0, yield
	yield = func(kind int, number uint32, row []byte) error {
		if derived++; derived%derivedAtOnce == 1 && ctx.Err() != nil {
			return ctx.Err()
		}
		return all(kind, number, row)
	}
	if slices.Equal(of, []int{kindIDs}) {
		return r.eachID(int64(first), int64(last), func(idx int64, id []byte) error { return yield(kindIDs, uint32(idx), idRow(id, idx)) })
	}
	if t, err := r.tables(); err != nil || t.blocks {
		return errors.Join(err, r.eachStored(int64(first)-1, int64(last), func(idx int64, s stored) error { return r.deriveOne(of, idx, s, yield) }))
	}
	return r.each(func(row *rows) error {
		var s stored
		s.read(row, 1)
		return r.deriveOne(of, row.int(0), s, yield)
	}, "SELECT idx, id, header, value FROM records JOIN dag USING (idx) WHERE idx BETWEEN ? AND ? ORDER BY idx", int64(first), int64(last))
}

// deriveOne makes the rows of one record. Of a damaged one only the ID is known.
func (r runRows) deriveOne(of []int, idx int64, s stored, yield func(kind int, number uint32, row []byte) error) error {
	record, err := headerOf(r.verified(idx, s))
	if asDamaged(err) == nil && err != nil {
		return err
	}
	var e *entry
	if err = nil; record != nil {
		e = newEntry(record)
	}
	for _, kind := range of {
		if kind == kindIDs {
			err = errors.Join(err, yield(kind, uint32(idx), idRow(s.id, idx)))
		} else if e != nil {
			var failed error
			none := r.rowsOfRecord(kind, idx, e, func(row []byte) { failed = errors.Join(failed, yield(kind, uint32(idx), row)) })
			err = errors.Join(err, none, failed)
		}
	}
	return err
}

// runsView is the view of the transaction at work.
func (c *conn) runsView() (*runs.View, error) {
	if c.view != nil {
		return c.view, nil
	}
	v, err := c.runs.View(runRows{conn: c})
	if err == nil {
		c.view = v
	}
	return v, err
}

// runsInMemory makes a view for who cannot write where the tables lack some of the runs.
func (c *conn) runsInMemory() error {
	_, err := c.runsView()
	if errors.Is(err, runs.ErrIncomplete) {
		for _, kind := range kinds {
			c.damage.noteIndex(0, kind.Name)
		}
		_, err = c.runs.InMemory(runRows{conn: c})
	}
	return err
}

// recordsWith calls yield with the index of each attached record whose ID may begin as the given
// bytes, 8 at least, do, until it returns false.
func (c *conn) recordsWith(beginning []byte, yield func(idx int64) (more bool, err error)) error {
	if c.runs == nil {
		return c.recordsWithout(beginning, yield)
	}
	return ignoreStop(c.eachRow(kindIDs, runs.Range{Prefix: beginning[:idKeySize]}, func(row []byte) error {
		return stopUnless(yield(int64(runs.Ascending.Number(row))))
	}))
}

// recordsWithout is recordsWith where the runs may not be complete yet.
func (c *conn) recordsWithout(beginning []byte, yield func(idx int64) (more bool, err error)) error {
	old, err := c.one(nil, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'ids'")
	if err != nil {
		return err
	}
	if !old {
		return c.scanRecords(beginning, yield)
	}
	return ignoreStop(c.each(func(r *rows) error { return stopUnless(yield(r.int(0))) }, "SELECT idx FROM ids WHERE prefix = ?", prefix(beginning)))
}

// scanRecords is recordsWith by a walk over the whole table of the graph.
func (c *conn) scanRecords(beginning []byte, yield func(idx int64) (more bool, err error)) error {
	return ignoreStop(c.eachID(1, math.MaxInt64, func(idx int64, id []byte) error {
		if !bytes.HasPrefix(id, beginning[:prefixSize]) {
			return nil
		}
		return stopUnless(yield(idx))
	}))
}

// stopUnless makes of a callback's answer the error of a walk.
func stopUnless(more bool, err error) error {
	if err == nil && !more {
		return errStop
	}
	return err
}
