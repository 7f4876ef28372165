package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lf-store/lf/internal/disk"
)

// replaceFile puts a file's whole new content in place of the old one: after a crash there is one
// or the other.
func replaceFile(path string, data []byte) error {
	return writeFile(path, data, os.Rename)
}

// createFile makes a file that must not be there yet, whole or not at all; it is an [fs.ErrExist]
// when it is. A link, unlike a rename, never replaces what another process made meanwhile.
func createFile(path string, data []byte) error {
	return writeFile(path, data, func(from, to string) error {
		err := os.Link(from, to)
		if err == nil {
			return os.Remove(from)
		}
		if dangling := checkLink(to); dangling != nil {
			return dangling
		}
		if _, there := os.Lstat(to); errors.Is(err, os.ErrExist) || there == nil {
			return os.ErrExist
		}
		return os.Rename(from, to) // a file system without links, as on memory sticks
	})
}

// writeFile writes a temporary file beside the final one, has place move it there, and makes both
// durable.
func writeFile(path string, data []byte, place func(from, to string) error) error {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = place(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, cause(err)), removeIfThere(f.Name()))
	}
	return disk.SyncDir(dir)
}

// readFile reads a file of the home. It is an [fs.ErrNotExist] when there is none; a link to
// nowhere is another error.
func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if dangling := checkLink(path); errors.Is(err, os.ErrNotExist) && dangling != nil {
		return nil, dangling
	}
	return data, err
}

// readBounded reads a file of at most that many bytes. It returns nil where there is none.
func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, checkLink(path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > most:
		return nil, fmt.Errorf("too large to be what it should be (%d bytes)", info.Size())
	}
	text, err := os.ReadFile(path)
	if text == nil {
		text = []byte{} // it is there, and empty
	}
	return text, err
}

// checkLink returns an error where path is a link to a file that is not there, as on a disk that is
// not mounted. Such a file is neither there nor may it be made.
func checkLink(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	to, err := os.Readlink(path)
	if err != nil {
		return nil //nolint:nilerr // no link
	}
	return fmt.Errorf("%s is a link to %s, which is not there: bring that back, or remove the link", path, to)
}

// cause takes the name of the temporary file out of an error, which is of no use to whoever reads
// it.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// removeIfThere removes a file. Where there is none that is no error, on a read-only disk either.
func removeIfThere(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
