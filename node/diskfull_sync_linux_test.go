package node

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// smallDisk mounts a small file system with a file on it that takes nearly all room, and returns
// where, and how to make room.
func smallDisk(t *testing.T, size string, left int64) (dir string, makeRoom func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("cannot mount a small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(s.Bavail)*s.Bsize-left), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

// TestDiskFullWhileCopying has a node copy more than its disk has room for. It goes on answering,
// and copies no record twice. Once there is room it has everything, without a restart.
func TestDiskFullWhileCopying(t *testing.T) {
	t.Parallel()
	dir, makeRoom := smallDisk(t, "16m", 1<<20)
	network := newNetwork(t, 0)
	source := start(t, config(t, network))
	const records, size = 600, 3 << 10
	writeLarge(t, source, records, size)
	h, err := home.Open(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, config(t, network, seeds(source), func(c *Config) { c.Home = h }))
	eventually(t, "the disk is full", func() bool { return n.store.WriteProblem() != nil })
	wantDisk(t, n, api.FindingFailure, "records are not stored")
	time.Sleep(3 * time.Second) // in which a node that forgot what it copied would ask again
	full := status(t, n)
	if full.Sync.State != api.SyncFetching || full.Sync.Missing == 0 || full.Storage.Attached < 10 {
		t.Errorf("with a full disk: %+v", full.Sync)
	}
	makeRoom()
	eventually(t, "the node has everything", func() bool { return status(t, n).Storage.Attached == status(t, source).Storage.Attached })
	wantDisk(t, n, api.FindingWarning, "free, the database has")
	if in := status(t, n).Traffic.In; in > 1.25*records*(size+400) {
		t.Errorf("%d bytes came for %d records of about %d", in, records, size+400)
	}
}

// writeLarge writes records whose values do not compress.
func writeLarge(t *testing.T, n *Node, records, size int) {
	t.Helper()
	value := make([]byte, size)
	for i := range records {
		_, _ = rand.Read(value)
		if _, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(fmt.Sprintf("large#%d", i)), Value: value}); err != nil {
			t.Fatal(err)
		}
	}
}

func status(t *testing.T, n *Node) *api.Status {
	t.Helper()
	s, err := n.Service().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDiskFullAtStart starts a node where there is no room. It answers, refuses to write, and takes
// records again by itself once there is room.
func TestDiskFullAtStart(t *testing.T) {
	t.Parallel()
	dir, makeRoom := smallDisk(t, "16m", 2<<20)
	h, err := home.Open(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, newNetwork(t, 0), offline, func(c *Config) { c.Home = h })
	n := start(t, c)
	writeLarge(t, n, 10, 1000)
	stop(t, n)
	fill(t, filepath.Join(dir, "more"))
	n = start(t, c)
	if !answers(t, n, "large#9") {
		t.Error("what was stored is not answered")
	}
	wantDisk(t, n, api.FindingFailure, "records are not stored")
	write := func() error {
		_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("late"), Value: []byte("late")})
		return err
	}
	wantAPIError(t, write(), http.StatusInsufficientStorage, "free some disk space")
	makeRoom()
	eventually(t, "the node writes", func() bool { return write() == nil })
	wantDisk(t, n, api.FindingWarning, "free, the database has")
	if !answers(t, n, "late") || !answers(t, n, "large#0") {
		t.Error("a record is missing")
	}
}
