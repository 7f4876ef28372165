package store

import (
	"database/sql/driver"
	"math"
)

// version is one version under some composite key, of some owner.
type version struct {
	timestamp, idx int64
	released       bool
}

// keyed is a version with the key it is under: a row of the table versions.
type keyed struct {
	composite, owner int64
	version
}

// versionRange is some rows of the table versions that follow each other. Their order is that of
// the composite keys, then of the owners, then the newest first, then of the indices. A function
// that makes a range with another order says so.
type versionRange struct {
	sql  string
	args []driver.Value
	// known is what all rows have in common: nothing, the composite key, or the owner too. The
	// columns are the others.
	known keyed
	fixed int
}

// everyVersion is all rows.
func everyVersion() versionRange {
	return versionRange{sql: "SELECT composite, owner, timestamp, idx, released FROM versions ORDER BY composite, owner, timestamp DESC, idx"}
}

// versionsUnder are those under a composite key.
func versionsUnder(composite int64) versionRange {
	return versionsAfter(composite, math.MinInt64)
}

// versionsAfter are those under a composite key of the owners after one.
func versionsAfter(composite, owner int64) versionRange {
	return underKey("SELECT owner, timestamp, idx, released FROM versions WHERE composite = ? AND owner > ? ORDER BY owner, timestamp DESC, idx",
		composite, owner)
}

// versionsBy are an owner's between two times, both included.
func versionsBy(composite, owner, since, until int64) versionRange {
	return ofOwner(`SELECT timestamp, idx, released FROM versions WHERE composite = ? AND owner = ? AND timestamp BETWEEN ? AND ?
		ORDER BY timestamp DESC, idx`, composite, owner, since, until)
}

// versionsAt are an owner's of one time after an index.
func versionsAt(composite, owner, timestamp, idx int64) versionRange {
	return ofOwner("SELECT timestamp, idx, released FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx > ? ORDER BY idx",
		composite, owner, timestamp, idx)
}

// versionsLater are an owner's after a time up to another one, the oldest first; those of one time
// have no order.
func versionsLater(composite, owner, after, until int64) versionRange {
	return ofOwner(`SELECT timestamp, idx, released FROM versions WHERE composite = ? AND owner = ? AND timestamp > ? AND timestamp <= ?
		ORDER BY timestamp`, composite, owner, after, until)
}

// releasesAfter are the releases under a composite key of the owners after one, up to a time. Those
// of one owner have no order.
func releasesAfter(composite, owner, until int64) versionRange {
	return underKey(`SELECT owner, timestamp, idx, 1 FROM versions INDEXED BY releases WHERE composite = ? AND owner > ? AND released = 1
		AND timestamp <= ? ORDER BY owner`, composite, owner, until)
}

// releasesUntil are an owner's releases up to a time, newest first; those of one time have no
// order.
func releasesUntil(composite, owner, until int64) versionRange {
	return ofOwner(`SELECT timestamp, idx, 1 FROM versions INDEXED BY releases WHERE composite = ? AND owner = ? AND released = 1
		AND timestamp <= ? ORDER BY timestamp DESC`, composite, owner, until)
}

// releasesFrom are an owner's releases from a time on, the oldest first; those of one time have no
// order.
func releasesFrom(composite, owner, since int64) versionRange {
	return ofOwner(`SELECT timestamp, idx, 1 FROM versions INDEXED BY releases WHERE composite = ? AND owner = ? AND released = 1
		AND timestamp >= ? ORDER BY timestamp`, composite, owner, since)
}

func underKey(sql string, args ...int64) versionRange {
	return versionRange{sql: sql, args: integers(args), known: keyed{composite: args[0]}, fixed: 1}
}

func ofOwner(sql string, args ...int64) versionRange {
	return versionRange{sql: sql, args: integers(args), known: keyed{composite: args[0], owner: args[1]}, fixed: 2}
}

// versionCursor goes through the rows of a range; it must be closed.
type versionCursor struct {
	rows  *rows
	fixed int
	// at is the row that the last call of next came to.
	at keyed
}

// versions begins before the first row of a range.
func (c *conn) versions(in versionRange) (versionCursor, error) {
	r, err := c.query(in.sql, in.args...)
	return versionCursor{rows: r, fixed: in.fixed, at: in.known}, err
}

func (v *versionCursor) next() (bool, error) {
	ok, err := v.rows.next()
	if !ok {
		return false, err
	}
	column := 0
	switch v.fixed {
	case 0:
		v.at.composite, v.at.owner, column = v.rows.int(0), v.rows.int(1), 2
	case 1:
		v.at.owner, column = v.rows.int(0), 1
	}
	v.at.version = version{v.rows.int(column), v.rows.int(column + 1), v.rows.int(column+2) != 0}
	return true, nil
}

func (v *versionCursor) close() { v.rows.close() }

// eachVersion calls do with every row of a range.
func (c *conn) eachVersion(in versionRange, do func(keyed) error) error {
	v, err := c.versions(in)
	if err != nil {
		return err
	}
	defer v.close()
	for {
		ok, err := v.next()
		if err != nil || !ok {
			return err
		}
		if err := do(v.at); err != nil {
			return err
		}
	}
}

// firstVersion returns the first row of a range, if there is one.
func (c *conn) firstVersion(in versionRange) (first keyed, found bool, err error) {
	v, err := c.versions(in)
	if err != nil {
		return first, false, err
	}
	defer v.close()
	found, err = v.next()
	if found {
		first = v.at
	}
	return first, found, err
}

// haveSeveral reports whether a range has two rows or more.
func (c *conn) haveSeveral(in versionRange) (bool, error) {
	rows := 0
	err := c.eachVersion(in, func(keyed) error {
		rows++
		return stopUnless(rows < 2, nil)
	})
	return rows > 1, ignoreStop(err)
}

// hasVersion reports whether there is a row.
func (c *conn) hasVersion(row keyed) (bool, error) {
	have, found, err := c.versionLike(row)
	return found && have == row, err
}

// versionLike returns the row that a record has in place of another one, which may say wrongly
// whether the record is a release.
func (c *conn) versionLike(row keyed) (have keyed, found bool, err error) {
	have, found, err = c.firstVersion(versionsAt(row.composite, row.owner, row.timestamp, row.idx-1))
	return have, found && have.idx == row.idx, err
}

// countVersions returns how many rows there are.
func (c *conn) countVersions() (int64, error) { return c.number("SELECT count(*) FROM versions") }

var findVersions = present("versions", "composite")

// unclaimed returns those of the composite keys under which there is no version.
func (t *tx) unclaimed(composites []int64) (map[int64]bool, error) {
	return t.absentNumbers(findVersions, composites)
}

// insertVersion adds a row that is new.
func (t *tx) insertVersion(row keyed) error {
	return t.insertLater(intoVersions, row.composite, row.owner, row.timestamp, row.idx, row.released)
}

// replaceVersion adds a row in place of a record's that says wrongly whether it is a release.
func (t *tx) replaceVersion(row keyed) error {
	_, err := t.exec("INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?)",
		row.composite, row.owner, row.timestamp, row.idx, row.released)
	return err
}

// deleteVersion deletes a row.
func (t *tx) deleteVersion(row keyed) error {
	_, err := t.exec("DELETE FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ?",
		row.composite, row.owner, row.timestamp, row.idx)
	return err
}
