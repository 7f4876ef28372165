package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lf-store/lf/internal/disk"
)

// TestFullDisk is what a user sees of a node whose disk is full. The writer, status and doctor say
// in one line what to do, and reads are answered. The node writes again once there is room. The
// test needs the right to mount.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	home, ballast := filepath.Join(dir, "home"), filepath.Join(dir, "ballast")
	n := startNode(t, home, "--network", newNetworkFile(t), "--offline")
	mustRun(t, "", "--home", home, "set", "horse", "brown")
	free, err := disk.Free(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ballast, make([]byte, free), 0o600); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 3000)
	_, _ = rand.Read(value)
	const what = "free some disk space"
	failed := func() string {
		if o := lfRun(t, string(value), "--home", home, "set", "cow", "-"); o.code != exitDone {
			return o.stderr
		}
		return ""
	}
	// The first line says what is set.
	if lines := failed(); strings.Count(lines, what) != 1 || strings.Count(lines, "\n") != 2 {
		t.Fatalf("set says %q", lines)
	}
	if out := mustRun(t, "", "--home", home, "status"); !strings.Contains(out, what) {
		t.Errorf("status says\n%s", out)
	}
	if o := lfRun(t, "", "--home", home, "doctor"); o.code != exitFailed || !strings.Contains(o.stdout, "make room where the node's home is") {
		t.Errorf("doctor says %d and\n%s", o.code, o.stdout)
	}
	if out := mustRun(t, "", "--home", home, "get", "horse"); !strings.Contains(out, "brown") {
		t.Errorf("horse is %q", out)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if line := failed(); line != "" {
		t.Errorf("with room again: %s", line)
	}
	if out := mustRun(t, "", "--home", home, "status"); strings.Contains(out, what) {
		t.Errorf("with room again status says\n%s", out)
	}
	n.stop(os.Interrupt)
}
