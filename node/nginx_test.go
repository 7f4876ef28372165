package node

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/webtest"
	"github.com/lf-store/lf/node/api"
)

// nginxName is the server's name in docs/operations.md.
const nginxName = "lf.example.org"

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
	cert := webtest.NewCertificate(t, nginxName)
	at := func(n *Node) string { return strings.TrimPrefix(n.APIURL(), "http://") }
	var ports []string
	for range 5 {
		ports = append(ports, webtest.FreePort(t))
	}
	documented, usual, renamed, named, limited := ports[0], ports[1], ports[2], ports[3], ports[4]
	server := strings.NewReplacer("443", "127.0.0.1:"+documented, "/etc/ssl/lf.pem", cert.Cert, "/etc/ssl/private/lf.key", cert.Key, api.DefaultAddress+";", at(private)+";").Replace(webtest.DocumentedServer(t, "../docs/operations.md"))
	block := func(port string, n *Node, more string) string {
		return fmt.Sprintf("server { listen 127.0.0.1:%s ssl http2; server_name %s; ssl_certificate %s; ssl_certificate_key %s; location / { proxy_pass http://%s; %s } }\n",
			port, nginxName, cert.Cert, cert.Key, at(n), more)
	}
	const host, forwarded = "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
	webtest.Nginx(t, server+block(usual, plain, "")+block(renamed, plain, host)+block(named, trusting, host+forwarded)+block(limited, public, host+forwarded), ports...)
	token, err := private.config.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	plainToken, err := plain.config.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	bearer := webtest.Bearer
	app := func(r *http.Request) { r.Header.Set("Origin", "https://app.example.org") }
	preflight := func(r *http.Request) {
		app(r)
		r.Method = http.MethodOptions
		r.Header.Set("Access-Control-Request-Method", http.MethodGet)
	}
	for _, version := range webtest.Versions {
		b := webtest.NewBrowser(t, cert.Trust, nginxName, documented, version)
		b.Want(401, "/v1/status")
		b.Want(401, "/metrics")
		b.Want(200, "/v1/status", bearer(token))
		b.Want(200, "/metrics", bearer(token))
		b.Want(401, "/v1/status", bearer(plainToken))
		b.Want(200, "/livez")
		b.Want(200, "/readyz")
		if h := b.Want(204, "/v1/status", preflight); h.Get("Access-Control-Allow-Origin") != "https://app.example.org" {
			t.Errorf("a preflight through nginx: %v", h)
		}
		b.Want(200, "/v1/status", app, bearer(token))
		b.Want(403, "/v1/status", bearer(token), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })

		// As nginx comes, nothing tells its requests from those of this machine: this is what
		// --api-private is for.
		webtest.NewBrowser(t, cert.Trust, nginxName, usual, version).Want(200, "/v1/status")
		b = webtest.NewBrowser(t, cert.Trust, nginxName, renamed, version)
		b.Want(421, "/v1/status")
		b.Want(200, "/v1/status", bearer(plainToken))
		b.Want(200, "/livez")

		// A node that trusts nginx knows whose requests these are.
		webtest.NewBrowser(t, cert.Trust, nginxName, named, version).Want(401, "/v1/status")
		if _, err := api.NewClient(trusting.APIURL(), "").Status(t.Context()); err != nil {
			t.Errorf("a program on this machine: %v", err)
		}
	}
	b := webtest.NewBrowser(t, cert.Trust, nginxName, limited, webtest.Versions[0])
	forge := func(r *http.Request) { r.Header.Set("X-Forwarded-For", rand.Text()) }
	for range 5 {
		b.Want(200, "/v1/status", forge)
	}
	eventually(t, "too many requests", func() bool { return b.Status("/v1/status", forge) == http.StatusTooManyRequests })
}
