package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// replaceFile puts a file's whole new content in place of the old one: after a crash there is one or the other.
func replaceFile(path string, data []byte) error {
	return writeFile(path, data, os.Rename)
}

// createFile makes a file that must not be there yet, whole or not at all; it is an [fs.ErrExist] when it is. A link,
// unlike a rename, never replaces what another process made meanwhile.
func createFile(path string, data []byte) error {
	return writeFile(path, data, func(from, to string) error {
		err := os.Link(from, to)
		if err == nil {
			return os.Remove(from)
		}
		if _, there := os.Lstat(to); errors.Is(err, os.ErrExist) || there == nil {
			return os.ErrExist
		}
		return os.Rename(from, to) // a file system without links, as on memory sticks
	})
}

// writeFile writes a temporary file beside the final one, has place move it there, and makes both durable.
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
	return syncDir(dir)
}

// cause takes the name of the temporary file out of an error, which is of no use to whoever reads it.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove temporary file: %w", err)
	}
	return nil
}

// syncDir makes a directory's entries durable, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
