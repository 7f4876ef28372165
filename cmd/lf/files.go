package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// readAtMost reads all there is; more than limit bytes are an error. It never returns nil without
// an error: no bytes are a value too.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("more than %d bytes", limit)
	case data == nil:
		return nil, errors.New("nothing was read")
	}
	return data, nil
}

// checkNew finds out before the work what createFile would find only after it.
func checkNew(name string) error {
	switch _, err := os.Lstat(name); {
	case err == nil:
		return &existsError{name}
	case errors.Is(err, os.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("write the file: %w", err)
	}
}

// existsError says that a file would have to be replaced.
type existsError struct{ name string }

func (e *existsError) Error() string {
	if to, err := os.Readlink(e.name); err == nil {
		if _, err := os.Stat(e.name); errors.Is(err, os.ErrNotExist) {
			return fmt.Sprintf("%s is a link to %s, which is not there: remove the link, or choose another name", e.name, to)
		}
	}
	return e.name + " is there already and is not replaced: choose another name"
}

// createFile writes a new file and never replaces one.
func createFile(name string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return &existsError{name}
	}
	if err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(name))
	}
	return nil
}
