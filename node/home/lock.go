package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// InUseError says that another process runs in the home.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("home %s is in use by another process: stop that one, or give this one another --home", e.Dir)
}

// Lock takes the home for this process until unlock is called or the process ends, however it ends.
// It returns an [*InUseError] at once when somebody else has it.
func (h *Home) Lock() (unlock func() error, err error) {
	if err := makeDir(h.dir); err != nil {
		return nil, err
	}
	l := flock.New(h.path(lockFile), flock.SetPermissions(0o600))
	switch locked, err := l.TryLock(); {
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		if _, missing := os.Lstat(l.Path()); errors.Is(missing, fs.ErrNotExist) {
			// a copy that cannot be written: nobody can run here
			return func() error { return nil }, nil
		}
		return nil, fmt.Errorf("lock home: %w", err)
	case err != nil:
		return nil, fmt.Errorf("lock home: %w", err)
	case !locked:
		return nil, &InUseError{h.dir}
	}
	return func() error {
		if err := l.Unlock(); err != nil {
			return fmt.Errorf("unlock home: %w", err)
		}
		return nil
	}, nil
}

// lockChanges waits until no other process changes what a file lists. path is that of its lock.
func lockChanges(path, what string) (unlock func(), err error) {
	if err := makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetPermissions(0o600))
	if err := l.Lock(); err != nil {
		return nil, fmt.Errorf("lock the %s: %w", what, err)
	}
	return func() { _ = l.Unlock() }, nil // the process's end unlocks it, too
}
