package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestBackup copies a database while a node writes to it. Each copy is whole, as of one moment.
func TestBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openAt(t, w, path, Options{})
	chain := w.chain(300)
	put := make(chan error, 1)
	go func() {
		for _, r := range chain {
			if _, err := s.Put(context.Background(), r, 0); err != nil {
				put <- err
				return
			}
		}
		put <- nil
	}()
	var last uint64
	for i := 0; i < 3 || last < uint64(len(chain)); i++ {
		to := filepath.Join(t.TempDir(), "copy.db")
		if err := Backup(t.Context(), path, to, w.Network); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		summary, err := CheckFile(t.Context(), to, w.Network, func(problem string) { t.Error(problem) })
		if err != nil || summary.Attached < last {
			t.Fatalf("%d records, %d before: %v", summary.Attached, last, err)
		}
		last = summary.Attached
	}
	if err := <-put; err != nil {
		t.Fatal(err)
	}
}

// TestBackupRefuses holds that a backup replaces no file, and leaves none where it fails.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	openAt(t, w, path, Options{})
	to := filepath.Join(t.TempDir(), "copy.db")
	var wrong *WrongNetworkError
	if err := Backup(t.Context(), path, to, other.Network); !errors.As(err, &wrong) {
		t.Errorf("of another network: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Backup(canceled, path, to, w.Network); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	var none *NotADatabaseError
	if err := Backup(t.Context(), filepath.Join(t.TempDir(), "none.db"), to, w.Network); !errors.As(err, &none) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed backup left a file: %v", err)
	}
	if err := os.WriteFile(to, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), path, to, w.Network); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if data, err := os.ReadFile(to); err != nil || string(data) != "mine" {
		t.Errorf("%q, %v", data, err)
	}
}
