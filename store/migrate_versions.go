package store

import (
	"database/sql/driver"
	"strings"
)

// Before the schema versionRunsVersion versions were in a table. Older migrations read it.

// oldVersions goes through versions in the table.
type oldVersions struct{ rows *rows }

// oldVersions begins before the first version of a range, or the last one of an owner's.
func (c *conn) oldVersions(in versionRange, backwards bool) (*oldVersions, error) {
	var where []string
	var args []driver.Value
	add := func(condition string, values ...driver.Value) {
		where, args = append(where, condition), append(args, values...)
	}
	if in.releases {
		add("released = 1")
	}
	switch in.shape {
	case allVersions:
	case ofKey:
		add("composite = ?", in.composite)
		add("owner > ?", in.owner)
	case ofOwner:
		add("composite = ? AND owner = ?", in.composite, in.owner)
		add("timestamp BETWEEN ? AND ?", in.since, in.until)
	case ofTime:
		add("composite = ? AND owner = ?", in.composite, in.owner)
		add("timestamp = ? AND idx > ? AND released = 0", in.since, in.idx)
	}
	sql := "SELECT composite, owner, timestamp, idx, released FROM versions WHERE " + strings.Join(append(where, "1"), " AND ")
	if backwards {
		sql += " ORDER BY timestamp"
	} else {
		sql += " ORDER BY composite, owner, timestamp DESC, idx"
	}
	r, err := c.query(sql, args...)
	return &oldVersions{r}, err
}

func (v *oldVersions) next() (at keyed, more bool, err error) {
	if more, err = v.rows.next(); more {
		at = keyed{v.rows.int(0), v.rows.int(1), version{v.rows.int(2), v.rows.int(3), v.rows.int(4) != 0}}
	}
	return at, more, err
}

// lastOldVersion returns the oldest version of a range of one owner's.
func (c *conn) lastOldVersion(in versionRange) (last keyed, found bool, err error) {
	v, err := c.oldVersions(in, true)
	if err != nil {
		return last, false, err
	}
	defer v.rows.close()
	return v.next()
}
