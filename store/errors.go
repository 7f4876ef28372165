package store

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

var (
	// ErrNotFound says that a record is neither attached, pending nor held.
	ErrNotFound = errors.New("no such record here")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrValueMissing refuses a record without the value that its header refers to.
	ErrValueMissing = errors.New("the record's value is missing")
	// ErrHeldFull refuses a record ahead of the clock when there are too many of them.
	ErrHeldFull = errors.New("too many records are ahead of the clock")
	// ErrPendingFull refuses a record that alone is larger than the queue of pending ones.
	ErrPendingFull = errors.New("the record does not fit among those that wait for their ancestors")
	// ErrTooBroad says that a query would have to look at too much.
	ErrTooBroad = errors.New("the query is too broad: narrow its ordinals or its time, or name owners or another selector. " +
		"Of a key with very many owners or versions ask without a range of time, and by the node's own authorities and oracles. " +
		"Do not ask for an explanation where one owner has very many versions. " +
		"Ask again in some seconds: after a late release, or many new versions, the node sorts them first")
	// ErrBadQuery says that a query makes no sense.
	ErrBadQuery = errors.New("bad query")
)

// ErrNoSpace says that something was not stored because the disk, or the file's limit, is full.
const ErrNoSpace = intake.CannotWrite("no room left for the database: free some disk space (nothing that was stored is lost)")

// WrongNetworkError says that a database belongs to another network.
type WrongNetworkError struct {
	Path       string
	Have, Want protocol.ID
}

func (e *WrongNetworkError) Error() string {
	return fmt.Sprintf("%s belongs to network %s, not to %s: use another home for this network", e.Path, e.Have, e.Want)
}

// NewerSchemaError says that a newer version of this software wrote the database.
type NewerSchemaError struct {
	Path        string
	Have, Known int
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("%s was written by a newer version of lf (schema %d, this one knows %d): use that version", e.Path, e.Have, e.Known)
}

// OlderSchemaError says that a database is not up to date, and whoever opened it only reads.
type OlderSchemaError struct {
	Path        string
	Have, Known int
}

func (e *OlderSchemaError) Error() string {
	return fmt.Sprintf("%s is not up to date (schema %d, this version of lf has %d): start the node once", e.Path, e.Have, e.Known)
}

// NotADatabaseError says that a file is not a database of this software, or no longer.
type NotADatabaseError struct {
	Path   string
	Reason string
}

func (e *NotADatabaseError) Error() string {
	return fmt.Sprintf("%s is not a sound database of lf (%s): restore it, or move it away and let the node fetch everything again", e.Path, e.Reason)
}

// databaseError says that it is the database that fails: once, however often an error is passed on.
type databaseError struct{ err error }

func (e *databaseError) Error() string { return "database: " + e.err.Error() }
func (e *databaseError) Unwrap() error { return e.err }

// isSQLite reports whether an error is SQLite's own.
func isSQLite(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e)
}

// noDescriptors reports whether SQLite could open nothing because the process, or the system, has
// as many files open as it may.
func noDescriptors(e sqlite3.Error) bool {
	return e.SystemErrno == syscall.EMFILE || e.SystemErrno == syscall.ENFILE
}

// storageError says what a failure of SQLite means to whoever reads it.
func storageError(err error) error {
	var e sqlite3.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*databaseError)), errors.Is(err, ErrNoSpace), errors.Is(err, ErrReadOnly):
		return err // it says so already
	case errors.As(err, &e) && (e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC):
		return fmt.Errorf("%w (%w)", ErrNoSpace, err)
	case errors.As(err, &e) && e.Code == sqlite3.ErrReadonly:
		return fmt.Errorf("%w (%w)", ErrReadOnly, err)
	case errors.As(err, &e) && noDescriptors(e):
		return &databaseError{fmt.Errorf("%w: raise the limit of open files (ulimit -n, LimitNOFILE=) and start the node again", err)}
	case errors.As(err, &e):
		return &databaseError{err}
	}
	return err
}
