package store

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/protocol"
)

// applicationID marks the file as ours ("LF" and the Hebrew letter aleph, U+05D0), so that file(1)
// and this package can tell.
const applicationID = 0x4c4605d0

// SQLiteVersion is that of the SQLite in this program, such as 3.50.4.
func SQLiteVersion() string {
	v, _, _ := sqlite3.Version()
	return v
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrationNames are in the order of their numbers, the first being number 1.
func migrationNames() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	slices.Sort(names)
	return names, err
}

// isOurs reads the header of the file at path and says whether there is a database of ours. It
// opens nothing with SQLite, which might write to a file that is not ours. A missing or empty file
// is not an error: there is none yet.
func isOurs(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &databaseError{err}
	}
	defer f.Close()
	var header [100]byte // https://www.sqlite.org/fileformat.html#the_database_header
	switch n, err := io.ReadFull(f, header[:]); {
	case n == 0 && errors.Is(err, io.EOF):
		return false, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return false, &NotADatabaseError{path, "it is too short"}
	case err != nil:
		return false, &databaseError{err}
	case !strings.HasPrefix(string(header[:]), "SQLite format 3\x00"):
		return false, &NotADatabaseError{path, "it is not an SQLite file"}
	case binary.BigEndian.Uint32(header[68:]) != applicationID:
		return false, &NotADatabaseError{path, "another program's SQLite file"}
	}
	return true, nil
}

// create makes an empty file that only its user can read: the datastore in it holds the node's
// peers and keys.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &databaseError{err}
	}
	return f.Close()
}

// openWriter opens the connection that writes, on a file whose schema may be old.
func openWriter(path string, n *protocol.Network, known int) (*conn, error) {
	ours, err := isOurs(path)
	if err != nil {
		return nil, err
	}
	if !ours {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	c, err := openConn(path, "rw")
	if err != nil {
		return nil, damaged(path, err)
	}
	if err := prepareWriter(c, path, n, known, ours); err != nil {
		c.close()
		return nil, damaged(path, err)
	}
	return c, nil
}

func prepareWriter(c *conn, path string, n *protocol.Network, known int, ours bool) error {
	if err := c.script(fmt.Sprintf("PRAGMA busy_timeout = %d", busyMillis)); err != nil {
		return err
	}
	if !ours { // first of all, and outside the log, so that the file's own header has it
		if err := c.script(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	if err := checkSchema(c, path, n, known); err != nil {
		return err
	}
	return c.script(fmt.Sprintf(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
		PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %d; PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY`,
		walPages, walPages*4096, writerCache))
}

// checkSchema refuses a file of a schema that is newer than the known ones, or of another network.
func checkSchema(c *conn, path string, n *protocol.Network, known int) error {
	version, err := c.number("PRAGMA user_version")
	switch {
	case err != nil:
		return err
	case int(version) > known:
		return &NewerSchemaError{Path: path, Have: int(version), Known: known}
	case version == 0:
		return nil
	}
	return checkNetwork(c, path, n)
}

// checkUpToDate is checkSchema for who only reads: it also refuses a file of an older schema.
func checkUpToDate(c *conn, path string, n *protocol.Network, known int) error {
	if err := checkSchema(c, path, n, known); err != nil {
		return err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	begun, err := c.isMigrating()
	if err == nil && (begun || int(version) < known) {
		err = &OlderSchemaError{Path: path, Have: int(version), Known: known}
	}
	return err
}

func checkNetwork(c *conn, path string, n *protocol.Network) error {
	var have protocol.ID
	found, err := c.one(func(r *rows) { copy(have[:], r.blob(0)) }, "SELECT network FROM meta")
	switch {
	case err != nil:
		return err
	case found && have != n.ID():
		return &WrongNetworkError{Path: path, Have: have, Want: n.ID()}
	}
	return nil
}

// openReader opens a connection that cannot write.
func openReader(path string) (*conn, error) {
	return openReaderAs(path, "rw") // a read-only one could not recover the log after a crash
}

func openReaderAs(path, mode string) (*conn, error) {
	c, err := openConn(path, mode)
	if err != nil {
		return nil, damaged(path, err)
	}
	if err := c.script(fmt.Sprintf(`PRAGMA busy_timeout = %d; PRAGMA query_only = ON; PRAGMA foreign_keys = ON;
		PRAGMA synchronous = FULL; PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY`, busyMillis, readerCache)); err != nil {
		c.close()
		return nil, damaged(path, err)
	}
	return c, nil
}

// damaged turns SQLite's words for a broken file into ours.
func damaged(path string, err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrError) {
		return &NotADatabaseError{path, e.Error()}
	}
	return storageError(err)
}
