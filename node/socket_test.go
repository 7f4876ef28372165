package node

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/api"
)

// TestSocket writes through the home's socket without a token.
func TestSocket(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	path, err := n.config.Home.Socket()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(api.SocketURL(path), "")
	set(t, c, "x", "x")
	if got := get(t, c, "x"); got != "x" {
		t.Errorf("%q", got)
	}
	stop(t, n)
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}

// TestAddressOfKilledNode holds that a node that starts takes back where the last one was before
// anything else: whoever listens there now is a stranger.
func TestAddressOfKilledNode(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0), offline)
	if _, err := c.Home.PublishAPI("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	c.APIListen = "192.0.2.1:0" // fails after the lock
	wantStartError(t, c)
	if u, err := c.Home.API(); err == nil {
		t.Errorf("the home still names %s", u)
	}
}

// TestWithoutSocket starts a node in a home where no socket can be: it serves over TCP, and its log
// says what to do.
func TestWithoutSocket(t *testing.T) {
	t.Parallel()
	log := new(testlog.Lines)
	c := config(t, newNetwork(t, 0), offline, logTo(log))
	for _, name := range []string{"api.sock", "api.socket"} {
		if err := os.MkdirAll(filepath.Join(c.Home.Dir(), name, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	n := start(t, c)
	set(t, client(t, n), "x", "x")
	if log.Count("--token-file") != 1 {
		t.Error("the log does not say what to do")
	}
}

// TestAddressCannotBeWritten starts a node whose address cannot be written: it serves all the same.
func TestAddressCannotBeWritten(t *testing.T) {
	t.Parallel()
	log := new(testlog.Lines)
	c := config(t, newNetwork(t, 0), offline, logTo(log))
	if err := os.MkdirAll(filepath.Join(c.Home.Dir(), "api", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	set(t, client(t, n), "x", "x")
	if log.Count("--api "+n.APIURL()) != 1 {
		t.Error("the log does not say what to do")
	}
}

// TestClientWaitsForStart connects to a node's socket as soon as it is there, and is answered when
// the node has started.
func TestClientWaitsForStart(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0), offline)
	asked := make(chan error, 1)
	go func() {
		for {
			path, err := c.Home.Socket()
			if err != nil {
				continue
			}
			conn, err := net.Dial("unix", path)
			if err != nil {
				continue
			}
			_, err = io.WriteString(conn, "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
			if err == nil {
				_, err = io.Copy(io.Discard, conn)
			}
			_ = conn.Close()
			asked <- err
			return
		}
	}()
	start(t, c)
	if err := <-asked; err != nil {
		t.Errorf("a client that came early: %v", err)
	}
}
