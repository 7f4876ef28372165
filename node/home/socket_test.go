package home_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/internal/usersocket"
)

// longHome is a directory whose path leaves no room for a socket; sockets go to the folder
// returned.
func longHome(t *testing.T) (dir, session string) {
	t.Helper()
	session, err := os.MkdirTemp("/tmp", "lf-test-") //nolint:usetesting // short enough
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(session) })
	t.Setenv("XDG_RUNTIME_DIR", session)
	dir = filepath.Join(t.TempDir(), strings.Repeat("x", usersocket.MaxPath))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, session
}

func TestSocket(t *testing.T) {
	h := open(t, t.TempDir())
	_, err := h.Socket()
	wantError(t, err, "no node runs in "+h.Dir())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("that is not fs.ErrNotExist")
	}
	l, err := h.ListenSocket()
	if err != nil {
		t.Fatal(err)
	}
	if path, err := h.Socket(); err != nil || path != filepath.Join(h.Dir(), "api.sock") {
		t.Errorf("%q, %v", path, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.Socket(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the node: %v", err)
	}
}

// TestSocketElsewhere has no room for a socket in the home. After a crash the next node takes the
// same folder again; in the end nothing is left.
func TestSocketElsewhere(t *testing.T) {
	dir, session := longHome(t)
	h := open(t, dir)
	write(t, h, "api.sock", "stale", 0o600)
	crashed, err := h.ListenSocket()
	if err != nil {
		t.Fatal(err)
	}
	path, err := h.Socket()
	if err != nil || filepath.Dir(filepath.Dir(path)) != session || read(t, h, "api.socket") != path+"\n" {
		t.Fatalf("%q, %v", path, err)
	}
	l, err := h.ListenSocket()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.Socket(); err != nil || again != path {
		t.Errorf("%q, %v, want %q", again, err, path)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	_ = crashed.Close()
	for _, d := range []string{session, dir} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("%s has %v, %v", d, left, err)
		}
	}
}

// TestPointer refuses a file that names a socket where another user could have made either.
func TestPointer(t *testing.T) {
	dir, session := longHome(t)
	folder := filepath.Join(session, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	sound := filepath.Join(folder, "api.sock")
	h := open(t, dir)
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode // of the pointer
		open fs.FileMode // of the folder
		want string      // "": it is sound
	}{
		"sound":              {sound + "\n", 0o600, 0o700, ""},
		"gone folder":        {filepath.Join(session, "gone", "api.sock"), 0o600, 0o700, ""},
		"changed by others":  {sound, 0o666, 0o700, "can be changed by other users"},
		"folder of others":   {sound, 0o600, 0o777, "is open to other users"},
		"a relative path":    {"api.sock", 0o600, 0o700, "names no socket"},
		"another kind":       {"/run/docker.sock", 0o600, 0o700, "names no socket"},
		"nothing":            {"", 0o600, 0o700, "names no socket"},
		"a path of any size": {"/" + strings.Repeat("x", 5000) + "/api.sock", 0o600, 0o700, "names no socket"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, h, "api.socket", c.text, 0o600)
			for path, mode := range map[string]fs.FileMode{filepath.Join(dir, "api.socket"): c.mode, folder: c.open} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			path, err := h.Socket()
			if c.want == "" {
				if err != nil || path != strings.TrimSpace(c.text) {
					t.Errorf("%q, %v", path, err)
				}
				return
			}
			wantError(t, err, c.want, "stop the node, remove")
			if errors.Is(err, fs.ErrNotExist) {
				t.Error("it says that there is none")
			}
			l, err := h.ListenSocket() // elsewhere, however it was
			if err != nil {
				t.Fatal(err)
			}
			if path, err := h.Socket(); err != nil || path == sound {
				t.Errorf("a new node: %q, %v", path, err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for name, link := range map[string]string{"api.socket": filepath.Join(session, "pointer")} {
		if err := os.WriteFile(link, []byte(sound), 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(dir, name))
		if err := os.Symlink(link, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, err := h.Socket()
		wantError(t, err, "not a regular file")
	}
}

// TestNoSocket has no place for a socket at all: that is an error for the node to report.
func TestNoSocket(t *testing.T) {
	h := open(t, t.TempDir())
	for _, name := range []string{"api.sock/x", "api.socket/x"} {
		write(t, h, name, "", 0o600)
	}
	if _, err := h.ListenSocket(); err == nil {
		t.Error("it listens")
	}
	if _, err := h.Socket(); err == nil {
		t.Error("there is a socket")
	}
}

// TestLinksToNowhere holds that a link to a file that is not there is no such file, and no lack of
// one.
func TestLinksToNowhere(t *testing.T) {
	uses := map[string]func(dir string) error{
		"identity.pem":   func(dir string) error { return second(open(t, dir).Identity()) },
		"api.token":      func(dir string) error { return second(open(t, dir).Token()) },
		"trust.json":     func(dir string) error { return second(open(t, dir).Trust()) },
		"network.lfnet":  func(dir string) error { return open(t, dir).BindNetwork(network(t, "one").File(nil)) },
		"default-owner":  func(dir string) error { return second(open(t, dir).Owners().List()) },
		"owners/bob.pem": func(dir string) error { return second(open(t, dir).Owners().New("bob")) },
	}
	for name, use := range uses {
		dir := t.TempDir()
		path, to := filepath.Join(dir, name), filepath.Join(dir, "unmounted")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		err := use(dir)
		wantError(t, err, name, "is a link to "+to)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
