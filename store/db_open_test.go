package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "a dir with %20 and ?x=1#y", "lf.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	chain := w.chain(30)
	for i := 0; i < len(chain); i += 10 {
		s, err := Open(path, w.Network, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range chain[i : i+10] {
			mustPut(t, s, r, Attached)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal("closing twice:", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the log is still there after closing")
	}
	s := openAt(t, w, path, Options{})
	for i, r := range chain {
		if result := mustPut(t, s, r, Known); result.Index != uint64(i+3) {
			t.Fatalf("record %d: %+v", i, result)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := Open(filepath.Join(t.TempDir(), "lf.db"), w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := s.Put(t.Context(), w.chain(1)[0], 0); !errors.Is(err, ErrClosed) {
		t.Error("put:", err)
	}
	if _, err := s.Stats(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error("stats:", err)
	}
	if _, err := s.Datastore().Has(t.Context(), keyOf("/x")); !errors.Is(err, ErrClosed) {
		t.Error("datastore:", err)
	}
}

// refused opens a file that must not be opened, and checks that the error is one line and the file
// as it was.
func refused(t *testing.T, w *world, path string) error {
	t.Helper()
	before, _ := os.ReadFile(path)
	s, err := Open(path, w.Network, Options{})
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
		t.Errorf("not one line that names the file: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	t.Log(err)
	return err
}

func closedStore(t *testing.T, w *world, records int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.chain(records) {
		mustPut(t, s, r, Attached)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongNetwork(t *testing.T) {
	t.Parallel()
	path := closedStore(t, newWorld(t), 1)
	var e *WrongNetworkError
	if err := refused(t, newWorld(t), path); !errors.As(err, &e) {
		t.Errorf("want a WrongNetworkError: %v", err)
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := closedStore(t, w, 1)
	change(t, path, "PRAGMA user_version = 99")
	var e *NewerSchemaError
	if err := refused(t, w, path); !errors.As(err, &e) || e.Have != 99 {
		t.Errorf("want a NewerSchemaError: %v", err)
	}
	if _, err := CheckFile(t.Context(), path, w.Network, func(string) {}); !errors.As(err, &e) {
		t.Errorf("check: want a NewerSchemaError: %v", err)
	}
}

func TestNotADatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sound, err := os.ReadFile(closedStore(t, w, 100))
	if err != nil {
		t.Fatal(err)
	}
	foreign := bytes.Clone(sound)
	copy(foreign[68:], "\x00\x00\x00\x00")
	garbled := bytes.Clone(sound)
	for i := 100; i < len(garbled); i++ {
		garbled[i] ^= 0x5a
	}
	for name, content := range map[string][]byte{
		"text": []byte(strings.Repeat("not a database\n", 100)), "short": []byte("x"), "foreign": foreign, "garbled": garbled,
		"truncated": sound[:5000],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lf.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var e *NotADatabaseError
			if err := refused(t, w, path); !errors.As(err, &e) {
				t.Errorf("want a NotADatabaseError: %v", err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) { refused(t, w, t.TempDir()) })
}

// change changes a stopped node's file.
func change(t *testing.T, path, sql string) {
	t.Helper()
	c, err := openConn(path, "rw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.changeRows(sql); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
}
