//go:build linux && !race

package store

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lf-store/lf/store/internal/dag"
)

// TestCheckWithoutRoom: where the disk has no room for the working file of a check, the check says
// so. Where the folder takes no file from the start, the graph is on the heap.
func TestCheckWithoutRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	large := int64(defaultFiles.least)
	var v verifier
	if v.graph, v.scratch = beginGraph(large, filepath.Join(dir, "lf.db"+checkSuffix)); v.scratch == nil {
		t.Fatal("a large graph is on the heap")
	}
	t.Cleanup(v.closeScratch)
	err := v.guarded(func() error {
		for i := range dag.Index(600_000) {
			p := dag.Placement{Main: i}
			if i == 0 {
				v.graph.Add(nil, p, 1)
			} else {
				v.graph.Add([]dag.Index{i}, p, 1)
			}
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "make room and check again") {
		t.Errorf("on a full disk: %v", err)
	}
	if g, scratch := beginGraph(large, filepath.Join(dir, "missing", "x")); g == nil || scratch != nil {
		t.Error("no graph on the heap where there is no folder")
	}
	if g, scratch := beginGraph(large, filepath.Join(dir, "second")); g == nil || scratch != nil {
		t.Error("no graph on the heap where the disk is full")
	}
	if g, scratch := beginGraph(large-1, filepath.Join(dir, "small")); g == nil || scratch != nil {
		t.Error("a small graph is not on the heap")
	}
}
