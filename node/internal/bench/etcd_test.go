package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// etcd is a single etcd of its own process, through the HTTP gateway that it serves.
type etcd struct {
	*testing.B
	url    string
	client *http.Client
}

// startEtcd starts the etcd of Debian's package etcd-server, on the loopback interface alone.
func startEtcd(b *testing.B) *etcd {
	b.Helper()
	program, err := exec.LookPath("etcd")
	if err != nil {
		b.Skip("etcd is not installed: the Debian package is etcd-server")
	}
	client, peer := "http://"+freeAddress(b), "http://"+freeAddress(b)
	cmd := exec.Command(program, "--data-dir", b.TempDir(), "--name", "one", "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one="+peer, "--log-level", "error")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	e := &etcd{B: b, url: client, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	b.Cleanup(func() {
		e.client.CloseIdleConnections()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := e.client.Get(client + "/health"); err == nil {
			resp.Body.Close()
			return e
		}
		if time.Since(begun) > time.Minute {
			b.Fatal("etcd did not come up")
		}
	}
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// post makes a request to the gateway. Keys and values are base64 in its JSON, as bytes are in
// Go's.
func (e *etcd) post(ctx context.Context, path string, body any) io.ReadCloser {
	e.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		e.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+path, bytes.NewReader(text))
	if err != nil {
		e.Fatal(err)
	}
	resp, err := e.client.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		e.Fatalf("etcd: %v, %v", resp, err)
	}
	return resp.Body
}

func (e *etcd) put(key string) {
	body := e.post(e.Context(), "/v3/kv/put", map[string][]byte{"key": []byte(key), "value": setValue})
	_, _ = io.Copy(io.Discard, body)
	body.Close()
}

// watch calls came when the watch is open, and after each change, until ctx ends.
func (e *etcd) watch(ctx context.Context, key string, came func()) {
	body := e.post(ctx, "/v3/watch", map[string]any{"create_request": map[string][]byte{"key": []byte(key)}})
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var event json.RawMessage
		if d.Decode(&event) != nil {
			return
		}
		came()
	}
}
