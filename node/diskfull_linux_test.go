package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// TestDiskFull fills a small file system with records. From then on writes fail with one clear
// error, reads go on, and what was acknowledged is there after a restart. It needs the right to
// mount.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	h, err := home.Open(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config(t, newNetwork(t, 0), offline, func(c *Config) { c.Home = h })
	n := start(t, c)
	wantDisk(t, n, api.FindingWarning, "nearly full")
	var acknowledged []string
	for i := 0; err == nil && i < 100_000; i++ {
		value, name := make([]byte, 900), fmt.Sprintf("full#%d", i)
		_, _ = rand.Read(value)
		if _, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(name), Value: value}); err == nil {
			acknowledged = append(acknowledged, name)
		}
	}
	wantAPIError(t, err, http.StatusInsufficientStorage, "free some disk space")
	var remote *api.Error
	err = nil
	for i := 0; err == nil && i < 1000; i++ { // the next ones may need fewer pages
		selectors := api.MustSelectors(fmt.Sprintf("x#%d", i))
		_, err = client(t, n).Set(t.Context(), api.SetRequest{Selectors: selectors, Value: make([]byte, 900)})
	}
	if !errors.As(err, &remote) || remote.Status != http.StatusInsufficientStorage {
		t.Errorf("through the API: %v", err)
	}
	wantDisk(t, n, api.FindingFailure, "records are not stored")
	if len(acknowledged) < 20 {
		t.Fatalf("only %d records fit", len(acknowledged))
	}
	last := acknowledged[len(acknowledged)-1]
	if !answers(t, n, last) {
		t.Errorf("%s cannot be read while the disk is full", last)
	}
	stop(t, n)
	fill(t, filepath.Join(dir, "more"))
	n = start(t, c)
	if !answers(t, n, last) {
		t.Errorf("%s cannot be read by a node that started with a full disk", last)
	}
	_, err = client(t, n).Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Value: make([]byte, 900)})
	if !errors.As(err, &remote) || remote.Status != http.StatusInsufficientStorage {
		t.Errorf("writing after a start with a full disk: %v", err)
	}
	stop(t, n)
	if err := errors.Join(os.Remove(ballast), os.Remove(filepath.Join(dir, "more"))); err != nil {
		t.Fatal(err)
	}
	n = start(t, c)
	wantDisk(t, n, api.FindingWarning, "nearly full")
	for _, name := range []string{acknowledged[0], last} {
		if !answers(t, n, name) {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// wantDisk wants the doctor to say something of the disk.
func wantDisk(t *testing.T, n *Node, state, text string) {
	t.Helper()
	c, err := n.Service().Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		if f.Area == "disk" && (f.State != state || !strings.Contains(f.Text, text)) {
			t.Errorf("the disk: %s %q, want %s %q", f.State, f.Text, state, text)
		}
	}
}

// TestDiskRoom holds that the doctor says so when records are stored again, without a restart.
func TestDiskRoom(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a small file system here: %v", err)
	}
	h, err := home.Open(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := Start(t.Context(), config(t, newNetwork(t, 0), offline, func(c *Config) { c.Home = h }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(t, n)
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	write := func(i int) error {
		value := make([]byte, 900)
		_, _ = rand.Read(value)
		_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(fmt.Sprintf("room#%d", i)), Value: value})
		return err
	}
	for i := 0; err == nil && i < 100_000; i++ {
		err = write(i)
	}
	wantDisk(t, n, api.FindingFailure, "records are not stored")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=128m"); err != nil {
		t.Skipf("cannot enlarge a file system here: %v", err)
	}
	wantDisk(t, n, api.FindingWarning, "nothing was written since")
	if err := write(-1 + 1<<20); err != nil {
		t.Fatal(err)
	}
	wantDisk(t, n, api.FindingWarning, "free, the database has")
}

func answers(t *testing.T, n *Node, selector string) bool {
	t.Helper()
	ranges, err := api.ParseSelectors(selector)
	if err != nil {
		t.Fatal(err)
	}
	res, err := n.Service().Query(t.Context(), api.Query{Selectors: ranges})
	return err == nil && len(res.Answers) == 1
}
