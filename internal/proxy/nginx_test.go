package proxy

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/webtest"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// nginxName is the server's name in docs/proxy.md.
const nginxName = "lf.example.org"

// serveNode serves a fake node of a network over HTTP until the test ends, and returns its address.
func serveNode(t *testing.T, n *protocol.Network) NodeAddress {
	t.Helper()
	fake, err := apitest.NewFakeThatVerifies(n, verifyWork)
	if err != nil {
		t.Fatal(err)
	}
	const token = "of the node"
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(&testNode{Fake: fake, network: n, state: api.SyncSynced}, apiserver.HandlerOptions{Token: token}), nil)
	server.Start()
	t.Cleanup(server.Close)
	return NodeAddress{Address: server.URL, Token: token}
}

// startProxy runs a proxy until the test ends.
func startProxy(t *testing.T, c Config) *Proxy {
	t.Helper()
	if c.Home == nil {
		h, err := home.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c.Home = h
	}
	c.Listen, c.Threads = "127.0.0.1:0", 1
	p, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// behindNginx runs two proxies and the configuration of docs/proxy.md in front of them. Both know
// the client of the token.
func behindNginx(t *testing.T, n *protocol.Network) (proxies []*Proxy, cert *webtest.Certificate, port, token string) {
	t.Helper()
	node := serveNode(t, n)
	dirs := []string{t.TempDir(), t.TempDir()}
	for i, dir := range dirs {
		h, err := home.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err = h.Owners().New("phone"); err != nil {
				t.Fatal(err)
			}
			key, err := h.Owners().Get("phone")
			if err != nil {
				t.Fatal(err)
			}
			if token, err = h.AddProxyClient(home.ProxyClient{Name: "phone", Owner: &key.Owner}); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"owners/phone.pem", "clients.json"} {
				copyFile(t, filepath.Join(dir, name), filepath.Join(dirs[1], name))
			}
		}
		proxies = append(proxies, startProxy(t, Config{
			Home: h, Network: n, Nodes: []NodeAddress{node}, Hosts: []string{nginxName},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		}))
	}
	at := func(p *Proxy) string { return strings.TrimPrefix(p.APIURL(), "http://") + ";" }
	cert, port = webtest.NewCertificate(t, nginxName), webtest.FreePort(t)
	webtest.Nginx(t, strings.NewReplacer("443", "127.0.0.1:"+port, "/etc/ssl/lf.pem", cert.Cert, "/etc/ssl/private/lf.key", cert.Key,
		"192.0.2.11:9981;", at(proxies[0]), "192.0.2.12:9981;", at(proxies[1])).Replace(webtest.DocumentedServer(t, "../../docs/proxy.md")), port)
	return proxies, cert, port, token
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// post sends JSON.
func post(body string, headers ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
}

// TestBehindNginx reads and writes through the nginx of docs/proxy.md, under its prefix.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	_, cert, port, token := behindNginx(t, newNetwork(t))
	bearer := webtest.Bearer(token)
	for _, version := range webtest.Versions {
		b := webtest.NewBrowser(t, cert.Trust, nginxName, port, version)
		b.Want(200, "/lf/livez")
		b.Want(200, "/lf/readyz")
		b.Want(404, "/v1/status")
		// nginx is on this machine, but its client is not said to be
		b.Want(401, "/lf/v1/status", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") })
		b.Want(200, "/lf/v1/status", bearer)
		b.Want(201, "/lf/v1/set", bearer, post(`{"selectors":["horse"],"text":"Bad Horse"}`))
		answer := b.Do("/lf/v1/kv/horse?raw", bearer)
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || string(text) != "Bad Horse" {
			t.Errorf("read %q, %v", text, err)
		}
	}
}

// TestProgressBehindNginx holds that progress comes through nginx as it is made. A job is where the
// answer says, and a client that hangs up frees its place in the queue.
func TestProgressBehindNginx(t *testing.T) {
	t.Parallel()
	// so much work that nobody does it
	proxies, cert, port, token := behindNginx(t, newNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 1 << 24 }))
	bearer := webtest.Bearer(token)
	waiting := func() (n int) {
		for _, p := range proxies {
			n += p.service.writes.pool.Len()
		}
		return n
	}
	const body = `{"selectors":["horse"],"text":"never"}`
	for _, version := range webtest.Versions {
		b := webtest.NewBrowser(t, cert.Trust, nginxName, port, version)
		ctx, hangUp := context.WithCancel(t.Context())
		answer := b.Do("/lf/v1/set", bearer, post(body, "Accept", "text/event-stream"), func(r *http.Request) { *r = *r.WithContext(ctx) })
		lines := bufio.NewScanner(answer.Body)
		for progress := 0; progress < 3 && lines.Scan(); {
			if lines.Text() == "event: progress" {
				progress++
			}
		}
		if err := lines.Err(); err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%s: %v, %v", version, answer.Header, err)
		}
		if n := waiting(); n != 1 {
			t.Errorf("%s: %d requests wait", version, n)
		}
		hangUp()
		_ = answer.Body.Close()
		eventually(t, "its place is free", func() bool { return waiting() == 0 })

		job := b.Want(202, "/lf/v1/set", bearer, post(body, "Prefer", "respond-async, wait=0")).Get("Location")
		job, found := strings.CutPrefix(job, "https://"+nginxName+":"+port+"/lf/")
		if job = "/lf/" + job; !found {
			t.Fatalf("%s: the job is at %s", version, job)
		}
		b.Want(200, job, bearer)
		b.Want(204, job, bearer, func(r *http.Request) { r.Method = http.MethodDelete })
		eventually(t, "its place is free", func() bool { return waiting() == 0 })
	}
}

// TestWatchBehindNginx holds that the events of a watch come through nginx when they are made. A
// watcher that hangs up is one no more.
func TestWatchBehindNginx(t *testing.T) {
	t.Parallel()
	proxies, cert, port, token := behindNginx(t, newNetwork(t))
	bearer := webtest.Bearer(token)
	watchers := func() (n int) {
		for _, p := range proxies {
			_, watchers, _ := p.service.hub.count()
			n += watchers
		}
		return n
	}
	for _, version := range webtest.Versions {
		b := webtest.NewBrowser(t, cert.Trust, nginxName, port, version)
		ctx, hangUp := context.WithCancel(t.Context())
		answer := b.Do("/lf/v1/watch?k=cow", bearer, func(r *http.Request) { *r = *r.WithContext(ctx) })
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		hears := func(what string) {
			t.Helper()
			for lines.Scan() {
				if strings.Contains(lines.Text(), what) {
					return
				}
			}
			t.Fatalf("%s: %s did not come: %v", version, what, lines.Err())
		}
		hears("event: sync")
		for _, text := range []string{"one ", "two "} {
			b.Want(201, "/lf/v1/set", bearer, post(`{"selectors":["cow"],"text":"`+text+version+`"}`))
			hears("event: answer")
		}
		hangUp()
		_ = answer.Body.Close()
		eventually(t, "nobody watches", func() bool { return watchers() == 0 })
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("never: %s", what)
		}
	}
}
