package usersocket_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/node/internal/usersocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := usersocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// wantEcho asks for a connection over which a byte comes and goes.
func wantEcho(t *testing.T, l net.Listener, path string) {
	t.Helper()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = conn.Write([]byte{7})
			err = errors.Join(err, conn.Close())
		}
		served <- err
	}()
	conn, err := usersocket.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 1 {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestListen binds a socket that only this user may use, leaves no other file, and takes it away at
// the end.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api.sock")
	l := listen(t, path)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside it: %v, %v", entries, err)
	}
	wantEcho(t, l, path)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestStale replaces what a killed process left, and what is no socket at all. A listener that was
// replaced takes nothing away when it is closed.
func TestStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.sock")
	old := listen(t, path)
	l := listen(t, path)
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	wantEcho(t, l, path)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantEcho(t, listen(t, path), path)
}

// TestStagingLeftBehind begins where a process was killed while it bound its socket.
func TestStagingLeftBehind(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".s"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".s", "s"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "api.sock")
	wantEcho(t, listen(t, path), path)
}

func TestListenCannot(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("x", usersocket.MaxPath))
	if _, err := usersocket.Listen(long); err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
		t.Errorf("a long path: %v", err)
	}
	blocked := filepath.Join(dir, "blocked")
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := usersocket.Listen(blocked); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it left %v, %v", entries, err)
	}
}

// TestDialNobody tells a socket without a process from none at all.
func TestDialNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.sock")
	if _, err := usersocket.Dial(t.Context(), path); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no socket: %v", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := usersocket.Dial(t.Context(), path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("no process: %v", err)
	}
}

// TestMakeFolder goes to the session's folder if there is one, and to another place if its path is
// too long.
func TestMakeFolder(t *testing.T) {
	session := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range []struct{ session, want string }{
		{session, session}, {filepath.Join(session, "gone"), os.TempDir()}, {"", os.TempDir()},
	} {
		t.Setenv("XDG_RUNTIME_DIR", c.session)
		dir, err := usersocket.MakeFolder("api.sock")
		if err != nil || filepath.Dir(dir) != c.want {
			t.Errorf("session %q: %q, %v, want it in %q", c.session, dir, err, c.want)
		}
		if err := usersocket.CheckFolder(dir, os.Geteuid()); err != nil {
			t.Error(err)
		}
	}
	long := filepath.Join(session, strings.Repeat("x", usersocket.MaxPath))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	t.Setenv("XDG_RUNTIME_DIR", long)
	dir, err := usersocket.MakeFolder("api.sock")
	if err != nil || filepath.Dir(dir) != "/tmp" {
		t.Fatalf("%q, %v", dir, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(long); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// TestChecks refuses what another user could have made or changed.
func TestChecks(t *testing.T) {
	dir := t.TempDir()
	folder, file, link := filepath.Join(dir, "folder"), filepath.Join(dir, "file"), filepath.Join(dir, "link")
	for _, err := range []error{os.Mkdir(folder, 0o700), os.WriteFile(file, nil, 0o600), os.Symlink(folder, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	me := os.Geteuid()
	for _, err := range []error{usersocket.CheckFolder(folder, me), usersocket.CheckFile(file, me), os.Chmod(file, 0o644), usersocket.CheckFile(file, me)} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{
		usersocket.CheckFolder(link, me), usersocket.CheckFolder(file, me), usersocket.CheckFile(link, me), usersocket.CheckFile(folder, me),
		usersocket.CheckFolder(filepath.Join(dir, "gone"), me), usersocket.CheckFile(filepath.Join(dir, "gone"), me),
	} {
		if err == nil {
			t.Error("it passes")
		}
	}
	for _, err := range []error{os.Chmod(folder, 0o710), os.Chmod(file, 0o620)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if usersocket.CheckFolder(folder, me) == nil || usersocket.CheckFile(file, me) == nil {
		t.Error("what is open to others passes")
	}
	if me != 0 {
		return
	}
	for _, err := range []error{os.Chmod(folder, 0o700), os.Chmod(file, 0o600), os.Chown(folder, 65534, 65534), os.Chown(file, 65534, 65534)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if usersocket.CheckFolder(folder, 0) == nil || usersocket.CheckFile(file, 0) == nil {
		t.Error("what belongs to somebody else passes")
	}
	if err := errors.Join(usersocket.CheckFolder(folder, 65534), usersocket.CheckFile(file, 65534)); err != nil {
		t.Errorf("what belongs to the owner of the home: %v", err)
	}
}
