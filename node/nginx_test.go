package node

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// nginxName is the server's name in docs/operations.md.
const nginxName = "lf.example.org"

// documentedServer is the server block of docs/operations.md.
func documentedServer(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```nginx\n")
	block, _, ended := strings.Cut(block, "```")
	if !found || !ended {
		t.Fatal("docs/operations.md has no block for nginx")
	}
	return block
}

// nginx runs a real nginx with the given servers until the test ends. It needs the Debian package
// nginx or nginx-light.
func nginx(t *testing.T, servers string, ports ...string) {
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
		<-ended
	})
	for _, port := range ports {
		eventually(t, "nginx listens", func() bool {
			select {
			case err := <-ended:
				ended <- err
				t.Fatalf("nginx ended: %v\n%s", err, said.String())
			default:
			}
			c, err := net.DialTimeout("tcp4", "127.0.0.1:"+port, time.Second)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
	}
}

// certificateFor writes a certificate for nginx and its key, and returns what trusts it.
func certificateFor(t *testing.T, name string) (cert, key string, trust *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust = x509.NewCertPool()
	trust.AddCert(parsed)
	return cert, key, trust
}

// browser asks nginx, by HTTP/1.1 or HTTP/2.
type browser struct {
	t       *testing.T
	client  *http.Client
	url     string
	version string
}

func newBrowser(t *testing.T, trust *x509.CertPool, port string, protocols ...string) *browser {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: nginxName}, ForceAttemptHTTP2: true}
	b := &browser{t, &http.Client{Transport: transport, Timeout: patience}, "https://127.0.0.1:" + port, "HTTP/2.0"}
	if len(protocols) > 0 {
		// which turns HTTP/2 off
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.ForceAttemptHTTP2 = false
		b.version = "HTTP/1.1"
	}
	t.Cleanup(transport.CloseIdleConnections)
	return b
}

// status asks for a path under the server's name.
func (b *browser) status(path string, change ...func(*http.Request)) int {
	b.t.Helper()
	answer, _ := b.ask(path, change...)
	return answer.StatusCode
}

// want asks for a path under the server's name, and wants a status.
func (b *browser) want(status int, path string, change ...func(*http.Request)) http.Header {
	b.t.Helper()
	answer, body := b.ask(path, change...)
	if answer.StatusCode != status || answer.Proto != b.version {
		b.t.Errorf("%s %s as %s: %s by %s, want %d by %s: %s", answer.Request.Method, path, nginxName, answer.Status, answer.Proto, status, b.version, body)
	}
	return answer.Header
}

func (b *browser) ask(path string, change ...func(*http.Request)) (answer *http.Response, body []byte) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Host = nginxName
	for _, c := range change {
		c(r)
	}
	if answer, err = b.client.Do(r); err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ = io.ReadAll(answer.Body)
	return answer, body
}

// TestBehindNginx runs the configuration of docs/operations.md, and nginx as it comes, in front of
// nodes.
func TestBehindNginx(t *testing.T) {
	net := newNetwork(t, 0)
	private := start(t, config(t, net, offline, func(c *Config) {
		c.APIPrivate, c.APIHosts, c.APIAllowOrigins = true, []string{nginxName}, []string{"https://app.example.org"}
	}))
	plain := start(t, config(t, net, offline))
	trusting := start(t, config(t, net, offline, func(c *Config) {
		c.APIHosts, c.APITrustedProxies = []string{nginxName}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}))
	public := start(t, config(t, net, offline, func(c *Config) {
		c.APIHosts, c.APITrustedProxies = []string{nginxName}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.APIPublic, c.APIRate = true, 1
	}))
	cert, key, trust := certificateFor(t, nginxName)
	at := func(n *Node) string { return strings.TrimPrefix(n.APIURL(), "http://") }
	var ports []string
	for range 5 {
		ports = append(ports, strconv.Itoa(freePort(t)))
	}
	documented, usual, renamed, named, limited := ports[0], ports[1], ports[2], ports[3], ports[4]
	server := strings.NewReplacer("443", "127.0.0.1:"+documented, "/etc/ssl/lf.pem", cert, "/etc/ssl/private/lf.key", key, api.DefaultAddress+";", at(private)+";").Replace(documentedServer(t))
	block := func(port string, n *Node, more string) string {
		return fmt.Sprintf("server { listen 127.0.0.1:%s ssl http2; server_name %s; ssl_certificate %s; ssl_certificate_key %s; location / { proxy_pass http://%s; %s } }\n",
			port, nginxName, cert, key, at(n), more)
	}
	const host, forwarded = "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
	nginx(t, server+block(usual, plain, "")+block(renamed, plain, host)+block(named, trusting, host+forwarded)+block(limited, public, host+forwarded), ports...)
	token, err := private.config.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	plainToken, err := plain.config.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	app := func(r *http.Request) { r.Header.Set("Origin", "https://app.example.org") }
	preflight := func(r *http.Request) {
		app(r)
		r.Method = http.MethodOptions
		r.Header.Set("Access-Control-Request-Method", http.MethodGet)
	}
	for _, protocols := range [][]string{nil, {"http/1.1"}} {
		b := newBrowser(t, trust, documented, protocols...)
		b.want(401, "/v1/status")
		b.want(401, "/metrics")
		b.want(200, "/v1/status", bearer(token))
		b.want(200, "/metrics", bearer(token))
		b.want(401, "/v1/status", bearer(plainToken))
		b.want(200, "/livez")
		b.want(200, "/readyz")
		if h := b.want(204, "/v1/status", preflight); h.Get("Access-Control-Allow-Origin") != "https://app.example.org" {
			t.Errorf("a preflight through nginx: %v", h)
		}
		b.want(200, "/v1/status", app, bearer(token))
		b.want(403, "/v1/status", bearer(token), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })

		// As nginx comes, nothing tells its requests from those of this machine: this is what
		// --api-private is for.
		newBrowser(t, trust, usual, protocols...).want(200, "/v1/status")
		b = newBrowser(t, trust, renamed, protocols...)
		b.want(421, "/v1/status")
		b.want(200, "/v1/status", bearer(plainToken))
		b.want(200, "/livez")

		// A node that trusts nginx knows whose requests these are.
		newBrowser(t, trust, named, protocols...).want(401, "/v1/status")
		if _, err := api.NewClient(trusting.APIURL(), "").Status(t.Context()); err != nil {
			t.Errorf("a program on this machine: %v", err)
		}
	}
	b := newBrowser(t, trust, limited)
	forge := func(r *http.Request) { r.Header.Set("X-Forwarded-For", rand.Text()) }
	for range 5 {
		b.want(200, "/v1/status", forge)
	}
	eventually(t, "too many requests", func() bool { return b.status("/v1/status", forge) == http.StatusTooManyRequests })
}
