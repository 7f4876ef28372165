package store

import (
	"errors"
	"time"

	"github.com/mattn/go-sqlite3"
)

// WriteProblem is why the database could not be written.
type WriteProblem struct {
	Err error
	At  time.Time // when a write failed last
}

// WriteProblem tells why writing failed last for the disk's sake: no room, an error, a file that
// may only be read. nil: something was written since, or nothing has failed.
func (s *Store) WriteProblem() *WriteProblem { return s.problem.Load() }

// noteWrite notes how a transaction ended. One that changed nothing says nothing about the disk.
func (s *Store) noteWrite(err error, changed bool) {
	var e sqlite3.Error
	switch {
	case err == nil && changed:
		s.problem.Store(nil)
		s.options.Logger.Info("writing works again")
	case errors.As(err, &e) && ofDisk(e.Code):
		p := &WriteProblem{Err: storageError(err), At: time.Now()}
		if s.problem.Swap(p) == nil { // once is enough: everything that comes fails alike
			s.options.Logger.Error("cannot write: nothing is stored until this is mended", "error", p.Err)
		}
	}
}

// ofDisk reports whether an error of SQLite is about the disk, and not about what was to be
// written.
func ofDisk(code sqlite3.ErrNo) bool {
	switch code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrCorrupt, sqlite3.ErrPerm:
		return true
	}
	return false
}

// changes counts the rows that the writer has changed since it was opened.
func (s *Store) changes() int64 {
	n, err := s.writer.number("SELECT total_changes()")
	if err != nil {
		return 0
	}
	return n
}
