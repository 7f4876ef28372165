package store

import (
	"errors"

	"github.com/lf-store/lf/store/internal/runs"
)

// The kinds of indices that are kept as runs.
const (
	kindIDs = iota // the first 48 bits of an ID lead to the record's index
	runKinds
)

// keyBits is how many bits of a hash count in each kind.
var keyBits = []int{kindIDs: 48}

// runRows is what a connection's transaction sees of the runs.
type runRows struct{ *conn }

var _ runs.Rows = runRows{}

// filterShift is how many low bits of a place in run_filters number the piece.
const filterShift = 32

func (r runRows) RunsVersion() (int64, error) { return r.number("SELECT runs FROM meta") }

func (r runRows) SetRunsVersion(version int64) error {
	_, err := r.exec("UPDATE meta SET runs = ?", version)
	return err
}

func (r runRows) Runs() (list []runs.Run, err error) {
	err = r.each(func(row *rows) error {
		list = append(list, runs.Run{Number: int(row.int(0)), Kind: int(row.int(1)), Level: int(row.int(2)), State: runs.State(row.int(3)),
			First: uint32(row.int(4)), Last: uint32(row.int(5))})
		return nil
	}, "SELECT number, kind, level, state, first, last FROM runs ORDER BY number")
	return list, err
}

func (r runRows) PutRun(run runs.Run) error {
	_, err := r.exec("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)",
		int64(run.Number), int64(run.Kind), int64(run.Level), int64(run.State), int64(run.First), int64(run.Last))
	return err
}

func (r runRows) DeleteRun(number int) error {
	_, err := r.exec("DELETE FROM runs WHERE number = ?", int64(number))
	return err
}

func (r runRows) chunk(sql string, place int64) (at int64, chunk []byte, found bool, err error) {
	found, err = r.one(func(row *rows) { at, chunk = row.int(0), row.blob(1) }, sql, place)
	return at, chunk, found, err
}

func (r runRows) ChunkBefore(place int64) (at int64, chunk []byte, found bool, err error) {
	return r.chunk("SELECT place, chunk FROM run_chunks WHERE place <= ? ORDER BY place DESC LIMIT 1", place)
}

func (r runRows) ChunkFrom(place int64) (at int64, chunk []byte, found bool, err error) {
	return r.chunk("SELECT place, chunk FROM run_chunks WHERE place >= ? ORDER BY place LIMIT 1", place)
}

func (r runRows) PutChunk(place int64, chunk []byte) error {
	_, err := r.exec("REPLACE INTO run_chunks VALUES (?, ?)", place, chunk)
	return err
}

func (r runRows) DeleteChunks(from, end int64, limit int) (int, error) {
	n, err := r.exec("DELETE FROM run_chunks WHERE place IN (SELECT place FROM run_chunks WHERE place >= ? AND place < ? ORDER BY place LIMIT ?)",
		from, end, int64(limit))
	return int(n), err
}

func (r runRows) Filter(run int, read func(n int, piece []byte)) error {
	from := int64(run) << filterShift
	return r.each(func(row *rows) error {
		read(int(row.int(0)-from), row.blob(1))
		return nil
	}, "SELECT place, bits FROM run_filters WHERE place >= ? AND place < ?", from, int64(run+1)<<filterShift)
}

func (r runRows) PutFilter(run, n int, piece []byte) error {
	_, err := r.exec("REPLACE INTO run_filters VALUES (?, ?)", int64(run)<<filterShift|int64(n), piece)
	return err
}

func (r runRows) DeleteFilter(run int) error {
	_, err := r.exec("DELETE FROM run_filters WHERE place >= ? AND place < ?", int64(run)<<filterShift, int64(run+1)<<filterShift)
	return err
}

// runSource yields what an index is of, from the tables: the IDs of records, of which only the
// beginning may be known.
func (c *conn) runSource(_ int, first, last uint32, yield func(runs.Entry) error) error {
	return c.each(func(row *rows) error {
		return yield(runs.Entry{Key: hashKey(row.blob(1)), Number: uint32(row.int(0))})
	}, "SELECT idx, id FROM dag WHERE idx BETWEEN ? AND ? ORDER BY idx", int64(first), int64(last))
}

// lastNumber returns the last number of a kind.
func (c *conn) lastNumber(int) (uint32, error) {
	n, err := c.number("SELECT attached FROM meta")
	return uint32(n), err
}

// hashKey is a hash as the runs have it. One that is damaged may be short.
func hashKey(hash []byte) (key uint64) {
	for i := range prefixSize {
		if key <<= 8; i < len(hash) {
			key |= uint64(hash[i])
		}
	}
	return key
}

// runsView is the view of the transaction at work.
func (c *conn) runsView() (*runs.View, error) {
	if c.view != nil {
		return c.view, nil
	}
	v, err := c.runs.View(runRows{c}, c.runSource, c.lastNumber)
	if err == nil {
		c.view = v
	}
	return v, err
}

// runsInMemory makes a view for who cannot write where the tables lack some of the runs.
func (c *conn) runsInMemory() error {
	_, err := c.runsView()
	if errors.Is(err, runs.ErrIncomplete) {
		c.damage.noteIndex(0, indexOfIDs)
		_, err = c.runs.InMemory(runRows{c}, c.runSource, c.lastNumber)
	}
	return err
}

// recordsWith calls yield with the index of each attached record whose ID may begin as the given
// bytes, 8 at least, do, until it returns false. Where the runs are damaged, all records are
// candidates that the table of the graph knows such an ID of.
func (c *conn) recordsWith(beginning []byte, yield func(idx int64) (more bool, err error)) error {
	if c.runs == nil {
		return c.recordsWithout(beginning, yield)
	}
	v, err := c.runsView()
	if err != nil {
		return err
	}
	err = v.Find(runRows{c}, kindIDs, hashKey(beginning), func(n uint32) (bool, error) { return yield(int64(n)) })
	var d *runs.DamagedError
	if !errors.As(err, &d) {
		return err
	}
	c.damage.noteRun(d)
	return c.scanRecords(beginning, yield)
}

// recordsWithout is recordsWith in a migration: the runs may not be complete yet.
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
	return ignoreStop(c.each(func(r *rows) error { return stopUnless(yield(r.int(0))) },
		"SELECT idx FROM dag WHERE substr(id, 1, ?) = ?", int64(prefixSize), beginning[:prefixSize]))
}

// stopUnless makes of a callback's answer the error of a walk.
func stopUnless(more bool, err error) error {
	if err == nil && !more {
		return errStop
	}
	return err
}
