package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/store/internal/graph"
	"github.com/lf-store/lf/store/internal/runs"
)

// conn is one connection with its prepared statements, used by one goroutine at a time. It speaks
// to the driver directly: database/sql costs as much again as SQLite itself on statements of two
// microseconds.
type conn struct {
	db *sqlite3.SQLiteConn
	// dag is the graph of the attached records, and perhaps of some that are not committed yet:
	// indices come from the tables.
	dag  *graph.Graph
	idle map[string][]*statement
	// runs are the indices of rows, nil while the schema has none. view is what the transaction at
	// work sees of them, nil until it asks: the rows of records up to seen.
	runs *runs.Index
	view *runs.View
	seen uint32
	// ctx is that of a reader's transaction, nil for others.
	ctx context.Context
	// snapshot is what begins a reader's transaction: the row that versionOfRuns reads.
	snapshot *rows
	// damage is where damaged records are noted; nil: nowhere.
	damage *damage
	// references are what was unpacked with lately; nil: nothing was.
	references *references
	// records are those that readers remember, nil for who must read the disk.
	records *recordCache
	// indexCache is what readers remember of the indices; nil: nothing.
	indexCache *indexCache
	// repairs is how often something was repaired when the transaction began.
	repairs uint64
	// wrongWords are words in the table dictionary that a record proved to be damaged.
	wrongWords []numberedWord
	// recordTables is where attached records are; nil: it was not looked at.
	recordTables *recordTables
	// inserts is empty but for the writer's.
	inserts insertBuffer
}

type statement struct {
	*sqlite3.SQLiteStmt
	columns int
	follows bool // it must not run before the buffered rows are written
}

// openConn opens a connection; mode is ro, rw or rwc, or [unchanging].
func openConn(path, mode string) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, &databaseError{err}
	}
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(abs)}).EscapedPath() + "?_mutex=no&mode=" + mode
	db, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, storageError(fmt.Errorf("%s: %w", path, err))
	}
	return &conn{db: db.(*sqlite3.SQLiteConn), idle: map[string][]*statement{}}, nil
}

func (c *conn) close() error {
	for _, list := range c.idle {
		for _, st := range list {
			st.Close()
		}
	}
	c.idle = nil
	return c.db.Close()
}

// script executes any number of statements without arguments.
func (c *conn) script(sql string) error {
	if err := c.catchUp(); err != nil {
		return err
	}
	if err := c.writeBlocks(); err != nil {
		return err
	}
	c.recordTables = nil // it may make tables, or drop them
	_, err := c.db.Exec(sql, nil)
	return err
}

func (c *conn) take(sql string) (*statement, error) {
	if list := c.idle[sql]; len(list) > 0 {
		st := list[len(list)-1]
		c.idle[sql] = list[:len(list)-1]
		return st, nil
	}
	st, err := c.db.Prepare(settled(sql))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	return &statement{SQLiteStmt: st.(*sqlite3.SQLiteStmt), follows: mustFollow(sql)}, nil
}

// settled writes each parameter of a SELECT as +?, which is the same value. SQLite plans again
// whenever a value is bound to certain parameters (of LIMIT, of an equality beside ORDER BY). That
// is three times what such a query costs. It does not plan again where the parameter is inside an
// expression.
func settled(sql string) string {
	if strings.HasPrefix(sql, "SELECT") {
		return strings.ReplaceAll(sql, "?", "+?")
	}
	return sql
}

func (c *conn) give(sql string, st *statement) { c.idle[sql] = append(c.idle[sql], st) }

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(sql string, args ...driver.Value) (int64, error) {
	st, err := c.take(sql)
	if err != nil {
		return 0, err
	}
	defer c.give(sql, st)
	if st.follows {
		if err := c.catchUp(); err != nil {
			return 0, err
		}
	}
	result, err := st.Exec(args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// rows walks over a result; it must be closed. Rows are stepped one by one, so leaving early costs
// nothing.
type rows struct {
	c   *conn
	sql string
	st  *statement
	set driver.Rows
	row []driver.Value
}

func (c *conn) query(sql string, args ...driver.Value) (*rows, error) {
	st, err := c.take(sql)
	if err != nil {
		return nil, err
	}
	if st.follows {
		if err := c.catchUp(); err != nil {
			c.give(sql, st)
			return nil, err
		}
	}
	set, err := st.Query(args)
	if err != nil {
		c.give(sql, st)
		return nil, err
	}
	if st.columns == 0 {
		st.columns = len(set.Columns())
	}
	return &rows{c: c, sql: sql, st: st, set: set, row: make([]driver.Value, st.columns)}, nil
}

func (r *rows) next() (bool, error) {
	err := r.set.Next(r.row)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

func (r *rows) close() {
	if r.st == nil {
		return
	}
	r.set.Close()
	r.c.give(r.sql, r.st)
	r.st = nil
}

// int returns an integer column, 0 for one that is null or something else.
func (r *rows) int(i int) int64 {
	v, _ := r.row[i].(int64)
	return v
}

// blob returns a blob column, nil for one that is null or something else.
func (r *rows) blob(i int) []byte {
	v, _ := r.row[i].([]byte)
	return v
}

func (r *rows) text(i int) string {
	v, _ := r.row[i].(string)
	return v
}

// one calls read with the first row, if there is one, and reports whether there was.
func (c *conn) one(read func(*rows), sql string, args ...driver.Value) (bool, error) {
	r, err := c.query(sql, args...)
	if err != nil {
		return false, err
	}
	defer r.close()
	ok, err := r.next()
	if ok && read != nil {
		read(r)
	}
	return ok, err
}

// each calls do with every row.
func (c *conn) each(do func(*rows) error, sql string, args ...driver.Value) error {
	r, err := c.query(sql, args...)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		ok, err := r.next()
		if err != nil || !ok {
			return err
		}
		if err := do(r); err != nil {
			return err
		}
	}
}

// number returns the first column of the first row, 0 when there is none.
func (c *conn) number(sql string, args ...driver.Value) (n int64, err error) {
	_, err = c.one(func(r *rows) { n = r.int(0) }, sql, args...)
	return n, err
}

// numbers returns the first column of all rows.
func (c *conn) numbers(sql string, args ...driver.Value) (list []int64, err error) {
	err = c.each(func(r *rows) error {
		list = append(list, r.int(0))
		return nil
	}, sql, args...)
	return list, err
}

// errStop ends a walk over rows early.
var errStop = errors.New("enough")

// ignoreStop is the error of a walk that may have ended early.
func ignoreStop(err error) error {
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}
