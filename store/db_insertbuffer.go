package store

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
)

// insertBuffer holds rows that are to be inserted: many at a time cost a third. They are written
// before the commit, and before a statement runs that might miss them. They are written in the
// order of the tables, so that a row that refers to a record comes after it.
type insertBuffer struct {
	values [lateTables][]driver.NamedValue
	rows   int
}

// Tables whose rows may be late.
const (
	intoDictionary = iota
	intoOwners
	intoTips
	intoPending
	intoWaits
	lateTables
)

// lateTable says how rows are inserted into a table.
type lateTable struct {
	name    string
	columns int
	// inserts are statements for 1, 2, 4, … rows.
	inserts [pieceBits + 1]string
}

// pieceBits is the binary logarithm of how many rows one statement inserts at most: more save
// nothing.
const pieceBits = 5

var late = [lateTables]lateTable{
	intoDictionary: newLateTable("INSERT INTO dictionary", 3),
	intoOwners:     newLateTable("INSERT INTO owners", 2),
	intoTips:       newLateTable("INSERT INTO tips (reputable, past, idx, timestamp)", 4),
	intoPending:    newLateTable("INSERT INTO pending (seq, id, header, value, seen, unpaid)", 6),
	intoWaits:      newLateTable("INSERT INTO waits", 2),
}

func newLateTable(insert string, columns int) lateTable {
	_, name, _ := strings.Cut(insert, "INTO ")
	name, _, _ = strings.Cut(name, " ")
	t := lateTable{name: name, columns: columns}
	row := "(" + strings.Repeat(", ?", columns)[2:] + ")"
	for bits := range t.inserts {
		t.inserts[bits] = insert + " VALUES " + strings.Repeat(", "+row, 1<<bits)[2:]
	}
	return t
}

// mustFollow reports whether a statement has to wait until all rows are written. It does if it
// names one of their tables, or if what it inserts may refer to them.
func mustFollow(sql string) bool {
	return strings.HasPrefix(sql, "INSERT") || sql == "COMMIT" ||
		slices.ContainsFunc(late[:], func(t lateTable) bool { return strings.Contains(sql, t.name) })
}

// insertLater inserts a row, sooner or later.
func (c *conn) insertLater(into int, values ...driver.Value) error {
	list := c.inserts.values[into]
	for _, v := range values {
		list = append(list, driver.NamedValue{Value: v})
	}
	c.inserts.values[into] = list
	if c.inserts.rows++; c.inserts.rows >= bufferedRows {
		return c.catchUp()
	}
	return nil
}

// catchUp writes all rows.
func (c *conn) catchUp() error {
	if c.inserts.rows == 0 {
		return nil
	}
	for i, values := range c.inserts.values {
		if err := c.insert(&late[i], values); err != nil {
			return err
		}
	}
	c.forget()
	return nil
}

// forget drops all rows.
func (c *conn) forget() {
	for i, values := range c.inserts.values {
		clear(values)
		c.inserts.values[i] = values[:0]
	}
	c.inserts.rows = 0
}

func (c *conn) insert(t *lateTable, values []driver.NamedValue) error {
	for bits := pieceBits; len(values) > 0; {
		n := t.columns << bits
		if n > len(values) {
			bits--
			continue
		}
		if err := c.insertPiece(t.inserts[bits], values[:n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// insertPiece runs a statement as a query, which the driver does with one call into C for all
// values.
func (c *conn) insertPiece(sql string, values []driver.NamedValue) error {
	for i := range values {
		values[i].Ordinal = i + 1
	}
	st, err := c.take(sql)
	if err != nil {
		return err
	}
	defer c.give(sql, st)
	set, err := st.QueryContext(context.Background(), values)
	if err != nil {
		return err
	}
	return set.Close()
}
