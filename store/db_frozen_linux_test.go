package store

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// readOnly makes a folder on a file system that lock turns read-only. It needs the right to mount.
func readOnly(t *testing.T) (dir string, lock func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, func() {
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadOnlyDisk opens the database of a node that stopped, or was killed, on a disk that can
// only be read now. Everything is answered and sound, and writing is refused.
func TestReadOnlyDisk(t *testing.T) {
	for name, suffixes := range map[string][]string{"stopped": {""}, "killed": {"", "-wal"}, "killed, with the log's index": {"", "-wal", "-shm"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			running := filepath.Join(t.TempDir(), "running.db")
			s, err := Open(running, w.Network, Options{})
			if err != nil {
				t.Fatal(err)
			}
			chain := w.chain(10)
			for _, r := range chain[:9] {
				mustPut(t, s, r, Attached)
			}
			dir, lock := readOnly(t)
			path := filepath.Join(dir, "lf.db")
			if name == "stopped" {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			for _, suffix := range suffixes {
				data, err := os.ReadFile(running + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			lock()
			t.Setenv("TMPDIR", t.TempDir())

			summary, err := CheckFile(t.Context(), path, w.Network, func(problem string) { t.Error(problem) })
			if err != nil || summary.Attached != 11 {
				t.Errorf("check: %+v, %v", summary, err)
			}
			var log bytes.Buffer
			s, err = Open(path, w.Network, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "this node only reads") {
				t.Errorf("the log says %q", log.String())
			}
			for _, r := range chain[:9] {
				if _, info, err := s.Get(t.Context(), r.ID()); err != nil || info.State != Attached {
					t.Fatalf("what was stored: %+v, %v", info, err)
				}
			}
			for range 3 {
				_, err := s.Put(t.Context(), chain[9], 0)
				if !errors.Is(err, ErrReadOnly) || strings.Count(err.Error(), "database") != 1 {
					t.Errorf("put: %v", err)
				}
			}
			if p := s.WriteProblem(); p == nil || !errors.Is(p.Err, ErrReadOnly) {
				t.Errorf("what keeps it from writing: %+v", p)
			}
			if err := s.Datastore().Put(t.Context(), keyOf("/x"), nil); !errors.Is(err, ErrReadOnly) {
				t.Errorf("datastore: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("it left %v, %v", left, err)
			}
		})
	}
}

// TestReadOnlyNothing opens where there is nothing to read: that is one error, which says so once.
func TestReadOnlyNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, lock := readOnly(t)
	lock()
	_, err := Open(filepath.Join(dir, "lf.db"), w.Network, Options{})
	if err == nil || strings.Count(err.Error(), "database") > 1 || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("%v", err)
	}
}

// TestOpenOnFullDisk opens where no byte more fits: the store answers, and says that room is
// wanted, not a right to write.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, _ := readOnly(t)
	path := filepath.Join(dir, "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	chain := w.chain(3)
	mustPut(t, s, chain[0], Attached)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "fill"))
	if s, err = Open(path, w.Network, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, info, err := s.Get(t.Context(), chain[0].ID()); err != nil || info.State != Attached {
		t.Errorf("what was stored: %+v, %v", info, err)
	}
	if _, err := s.Put(t.Context(), chain[1], 0); !errors.Is(err, ErrNoSpace) {
		t.Errorf("put: %v", err)
	}
	if p := s.WriteProblem(); p == nil || !errors.Is(p.Err, ErrNoSpace) {
		t.Errorf("what keeps it from writing: %+v", p)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// fill writes a file until the file system has no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNoDescriptors has SQLite find no file descriptor left. That is no disk that cannot be
// written, so the store does not open to read alone, and the error says which limit to raise.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		err := storageError(sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: errno})
		if cannotWrite(err) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if !cannotWrite(storageError(sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.EACCES})) {
		t.Error("a folder without the right to write is one that cannot be written")
	}
}

// TestThaw opens the database of a node that stopped, or was killed, on a disk that can only be
// read, asks it all the time, and then makes the disk writable. Without another start records are
// stored, and none of those that were there is missing.
func TestThaw(t *testing.T) {
	for name, suffixes := range map[string][]string{"stopped": {""}, "killed": {"", "-wal"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			running := filepath.Join(t.TempDir(), "running.db")
			s := openAt(t, w, running, Options{})
			chain := w.chain(10)
			for _, r := range chain[:9] {
				mustPut(t, s, r, Attached)
			}
			if name == "stopped" {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			dir, lock := readOnly(t)
			path := filepath.Join(dir, "lf.db")
			for _, suffix := range suffixes {
				if err := copyFile(path+suffix, running+suffix); err != nil {
					t.Fatal(err)
				}
			}
			lock()
			s, err := Open(path, w.Network, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			if _, err := s.Put(t.Context(), chain[9], 0); !errors.Is(err, ErrReadOnly) {
				t.Fatalf("on a disk that can only be read: %v", err)
			}
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
				t.Fatal(err)
			}
			for err = ErrReadOnly; errors.Is(err, ErrReadOnly); _, err = s.Put(t.Context(), chain[9], 0) {
				for _, r := range chain[:9] {
					if _, _, err := s.Get(t.Context(), r.ID()); err != nil {
						t.Fatalf("what was stored: %v", err)
					}
				}
			}
			if err != nil {
				t.Fatalf("on a disk that can be written again: %v", err)
			}
			if p := s.WriteProblem(); p != nil {
				t.Errorf("on a disk that can be written again: %v", p.Err)
			}
			mustBeSound(t, s)
			if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 12 {
				t.Errorf("%+v, %v", stats, err)
			}
		})
	}
}
