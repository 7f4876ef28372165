package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sshHost is an sshd on this computer, and a user who may log in.
type sshHost struct {
	dir, port string
	ssh       string
	lf        string // the program, under its name
	counted   string // the same, and it adds a line to runs
	runs      string
	home      string // of the node
	cache     string // of the user
}

// startSSHD starts sshd with a host key of its own.
func startSSHD(t *testing.T, home string) *sshHost {
	t.Helper()
	sshd := findTool(t, "sshd")
	h := &sshHost{dir: t.TempDir(), port: freePorts(t, 1)[0], ssh: findTool(t, "ssh"), home: home}
	h.cache = filepath.Join(h.dir, "cache")
	if os.Getuid() == 0 { // sshd wants it, and systemd makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Skip(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h.lf = filepath.Join(h.dir, "lf")
	if err := os.Symlink(exe, h.lf); err != nil {
		t.Fatal(err)
	}
	h.counted, h.runs = filepath.Join(h.dir, "counted"), filepath.Join(h.dir, "runs")
	if err := os.WriteFile(h.counted, []byte("#!/bin/sh\necho >> "+h.runs+"\nexec "+h.lf+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"host", "other", "user"} {
		if out, err := exec.Command(findTool(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(h.dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n", h.port, h.dir, h.dir)
	path := filepath.Join(h.dir, "sshd_config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	d := inBackground(t, exec.Command(sshd, "-D", "-e", "-f", path))
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+h.port)
		if err == nil {
			_ = c.Close()
			return h
		}
		if time.Since(start) > readyWithin {
			t.Fatalf("sshd does not listen: %v\n%s", err, d.log.String())
		}
	}
}

// name is the host as ssh asks for it.
func (h *sshHost) name() string { return "[127.0.0.1]:" + h.port }

// login logs in with flags of lf ssh known-hosts, and returns what ssh writes.
func (h *sshHost) login(t *testing.T, flags string) (out string, err error) {
	t.Helper()
	cmd := exec.Command(h.ssh, "-v", "-F", "none", "-p", h.port, "-i", filepath.Join(h.dir, "user"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=none", "-o", "GlobalKnownHostsFile=none",
		"-o", "KnownHostsCommand="+h.counted+" --home "+h.home+" ssh known-hosts "+flags+" %H %p", "127.0.0.1", "echo in")
	cmd.Env = append(os.Environ(), "GORACE="+raceOptions, "XDG_CACHE_HOME="+h.cache, "HOME="+h.dir)
	var log bytes.Buffer
	cmd.Stderr = &log
	written, err := cmd.Output()
	return string(written) + log.String(), err
}

// publish puts one of the keys into LF for the host.
func (h *sshHost) publish(t *testing.T, key string) {
	t.Helper()
	lfIn(t, h.home, "ssh", "publish", "127.0.0.1", "--port", h.port, "--key-file", filepath.Join(h.dir, key+".pub"))
}

// TestSSH logs in at a real sshd whose key stands in LF, and not where another key stands there,
// none, or no list of keys.
func TestSSH(t *testing.T) {
	t.Parallel()
	findTool(t, "sshd")
	home := filepath.Join(t.TempDir(), "home")
	n := startNode(t, home, "--network", newNetworkFile(t))
	h := startSSHD(t, home)
	refused := func(flags, why string) {
		t.Helper()
		if out, err := h.login(t, flags); err == nil || !strings.Contains(out, why) {
			t.Errorf("%s: %v, want %q in\n%s", flags, err, why, out)
		}
	}
	refused("--any", "Host key verification failed") // nothing stands there
	h.publish(t, "other")
	refused("--any", "Host key verification failed")
	h.publish(t, "host")
	if out, err := h.login(t, "--any"); err != nil || !strings.HasPrefix(out, "in\n") {
		t.Errorf("%v\n%s", err, out)
	}
	refused("", "say whose count")
	refused("--owner 12D3KooWJQYfCDenr8iFQm2qVPiwmYXij6Naehta1CDZvG7dV1Xy", "Host key verification failed")
	refused("--policy certified,weight", "Host key verification failed") // nobody is certified
	if out, err := h.login(t, "--owner default"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	lfIn(t, home, "set", h.name(), "ssh", "no key at all")
	refused("--any", "no list of host keys")
	h.publish(t, "host")
	n.stop(os.Interrupt)
	refused("--any", "KnownHostsCommand failed")
	refused("--any --lenient", "Host key verification failed")
}

// TestSSHAsksOnce: ssh runs the command at least twice for a connection, and the node is asked
// once.
func TestSSHAsksOnce(t *testing.T) {
	t.Parallel()
	findTool(t, "sshd")
	home := filepath.Join(t.TempDir(), "home")
	n := startNode(t, home, "--network", newNetworkFile(t))
	h := startSSHD(t, home)
	h.publish(t, "host")
	before := queries(t, n)
	out, err := h.login(t, "--any")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if runs, err := os.ReadFile(h.runs); err != nil || len(runs) < 2 {
		t.Errorf("ssh ran the command %d times, %v", len(runs), err)
	}
	if asked := queries(t, n) - before; asked != 1 {
		t.Errorf("the node was asked %d times for one connection", asked)
	}
}

// queries is how many queries a node has answered.
func queries(t *testing.T, n *testNode) (count int) {
	t.Helper()
	url, _, err := awaitNode(n.home)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metrics, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(metrics), "\n") {
		if rest, found := strings.CutPrefix(line, `lf_api_requests_total{code="200",route="POST /v1/query"} `); found {
			if _, err := fmt.Sscan(rest, &count); err != nil {
				t.Fatal(err)
			}
		}
	}
	return count
}
