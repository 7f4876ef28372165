package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCheckReadOnlyCopy checks a copy of a home that cannot be written, and that nobody has locked
// yet. It needs the right to mount.
func TestCheckReadOnlyCopy(t *testing.T) {
	t.Parallel()
	original, dir := filepath.Join(t.TempDir(), "home"), t.TempDir()
	n := startNode(t, original, "--network", newNetworkFile(t), "--offline")
	mustRun(t, "", "--home", original, "set", "horse", "x")
	n.stop(os.Kill) // leaves a log
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	for _, name := range []string{"network.lfnet", "lf.db", "lf.db-wal"} {
		data, err := os.ReadFile(filepath.Join(original, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "", "--home", dir, "check"); out != "3 records, no problems\n" {
		t.Errorf("%q", out)
	}
}
