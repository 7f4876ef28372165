package webtest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds what takes milliseconds: a race detector on a busy machine is slow.
const patience = time.Minute

// Nginx runs a real nginx with the given servers until the test ends, and waits until it listens on
// the ports. It needs the Debian package nginx or nginx-light.
func Nginx(t *testing.T, servers string, ports ...string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed")
		}
	}
	dir := t.TempDir()
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	conf := user + `daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
` + servers + "\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("nginx ended: %v\n%s", err, said.String())
		}
	})
	for _, port := range ports {
		awaitPort(t, port, func() {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("nginx ended: %v\n%s", err, said.String())
			default:
			}
		})
	}
}

// awaitPort returns when somebody listens on a port.
func awaitPort(t *testing.T, port string, alive func()) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		alive()
		c, err := net.DialTimeout("tcp4", "127.0.0.1:"+port, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Since(begun) > patience {
			t.Fatalf("nobody listens on port %s: %v", port, err)
		}
	}
}

// FreePort returns a TCP port of the loopback interface on which nobody listens now.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// DocumentedServer is the server block for nginx in a page of the documentation.
func DocumentedServer(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```nginx\n")
	block, _, ended := strings.Cut(block, "```")
	if !found || !ended {
		t.Fatalf("%s has no block for nginx", page)
	}
	return block
}
