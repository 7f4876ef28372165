package store

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/internal/disk"
	"github.com/lf-store/lf/internal/intake"
)

// WriteProblem is why the database could not be written.
type WriteProblem struct {
	Err error
	At  time.Time // when a write failed last
}

// WriteProblem tells why writing failed last for the disk's sake: no room, an error, a file that
// may only be read. nil: something was written since, or nothing has failed. After a full disk a
// write says so only where there is room for more.
func (s *Store) WriteProblem() *WriteProblem { return s.problem.Load() }

// noteWrite notes how a transaction ended. One that changed nothing says nothing about the disk.
func (s *Store) noteWrite(err error, changed bool) {
	var e sqlite3.Error
	switch p := s.problem.Load(); {
	case err == nil && changed && p != nil && !(errors.Is(p.Err, ErrNoSpace) && s.isCramped()):
		s.problem.Store(nil)
		s.options.Logger.Info("writing works again")
		s.ranker.wake() // it gives up what it cannot write
	case errors.As(err, &e) && ofDisk(e.Code):
		p := &WriteProblem{Err: storageError(err), At: time.Now()}
		if s.problem.Swap(p) == nil { // once is enough: everything that comes fails alike
			s.options.Logger.Error("cannot write: nothing is stored until this is mended", "error", p.Err)
		}
	}
}

// isCramped reports whether the disk has less room than a few batches take. A small write may still
// fit there, and says nothing of the next one.
func (s *Store) isCramped() bool {
	free, err := disk.Free(filepath.Dir(s.path))
	return err == nil && free < crampedSpace
}

// isCannotWrite reports whether an error is the same for whatever is written now.
func isCannotWrite(err error) bool { return errors.As(storageError(err), new(intake.CannotWrite)) }

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
