package node

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

// TestReadOnlyHome starts a node whose home cannot be written: it answers, says that it stores
// nothing, and is not healthy. It needs the right to mount.
func TestReadOnlyHome(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
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
	log := new(testlog.Lines)
	c := config(t, newNetwork(t, 0), offline, logTo(log), func(c *Config) { c.Home = h })
	n := start(t, c)
	set(t, n.Service(), "x", "x")
	stop(t, n)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	n = start(t, c)
	if got := get(t, client(t, n), "x"); got != "x" {
		t.Errorf("%q", got)
	}
	for e, err := range client(t, n).Watch(t.Context(), api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors("x")}}, Decrypt: true}) {
		if err != nil || e.Event != api.WatchAnswer || *e.Answer.Text != "x" {
			t.Errorf("watching: %+v, %v", e, err)
		}
		break
	}
	text := "y"
	var remote *api.Error
	_, err = client(t, n).Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
	if !errors.As(err, &remote) || remote.Status != http.StatusInsufficientStorage {
		t.Errorf("writing: %v", err)
	}
	if checkup, err := n.Service().Doctor(t.Context()); err != nil || checkup.Healthy || !strings.Contains(checkup.Facts.Disk.Problem, "cannot be written") {
		t.Errorf("%+v, %v", checkup, err)
	}
	if log.Count("this node only reads") != 1 {
		t.Error("the log does not say that it only reads")
	}
}
