package apiserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/lf-store/lf/node/api"
)

// guard decides who may ask. It tells three callers apart. Programs on the node's machine may read.
// Holders of the token may do everything. Pages in a browser on this machine may do nothing: they
// reach localhost by DNS rebinding under a name of their own, or by plain requests whose answers
// they cannot read.
type guard struct {
	hosts []string
	// origins are those whose pages may talk to the node.
	origins []string
	// private asks for the token for reads, too.
	private bool
	token   [sha256.Size]byte
	// locked is set when there is no token: then nothing is accepted that needs one.
	locked bool
}

func newGuard(o *HandlerOptions) *guard {
	hosts := append([]string{"localhost", "127.0.0.1", "[::1]"}, o.Hosts...)
	return &guard{hosts: hosts, origins: o.AllowOrigins, private: o.Private, token: sha256.Sum256([]byte(o.Token)), locked: o.Token == ""}
}

// checkOrigin refuses what a foreign page in a browser may have sent. A page that comes under a
// name of its own (DNS rebinding) has no token, so a request with the token may name any host.
// Whether the process is up and ready is no secret.
func (g *guard) checkOrigin(r *http.Request) error {
	probe := r.URL.Path == "/livez" || r.URL.Path == "/readyz"
	if !g.knownHost(r.Host) && !probe && g.checkToken(r) != nil {
		return api.NewError(http.StatusMisdirectedRequest, "the Host header %q is not one of this node's: use localhost or 127.0.0.1, send the node's token, or allow the name with lf node --api-host", r.Host)
	}
	if g.allowedOrigin(r) != "" {
		return nil
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host {
		return api.Forbidden("pages of origin %q may not talk to this node: lf node --api-allow-origin allows an origin", origin)
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
		return nil
	default:
		return api.Forbidden("pages of other sites may not talk to this node (Sec-Fetch-Site: %s)", site)
	}
}

// knownHost accepts the loopback names with any port, and the configured hosts: "name" with any
// port, "name:port" with that one.
func (g *guard) knownHost(host string) bool {
	name := api.Hostname(host)
	return slices.ContainsFunc(g.hosts, func(h string) bool {
		return h != "" && (strings.EqualFold(h, host) || strings.EqualFold(h, name))
	})
}

// Who may use an operation, as the OpenAPI document says it.
var (
	// this machine without the token, others with it
	readers = []map[string][]string{{}, {securityToken: {}}}
	holders = []map[string][]string{{securityToken: {}}} // who holds the token
)

// checkAccess lets those pass that an operation is for; one without security is for all who reach
// the node.
func (g *guard) checkAccess(security []map[string][]string, r *http.Request) error {
	switch {
	case len(security) == 0:
		return nil
	case len(security[0]) == 0:
		return g.checkReader(r)
	}
	return g.checkToken(r)
}

// checkToken lets a request with the token pass, and every request of a trusted listener.
func (g *guard) checkToken(r *http.Request) error {
	if isTrusted(r) {
		return nil
	}
	if g.locked {
		return api.Unauthorized("this node runs without a token, so nothing that needs one is possible")
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return api.Unauthorized("this needs the node's token, as the header \"Authorization: Bearer TOKEN\" (lf: --token-file FILE or LF_TOKEN); " +
			"it is in the file api.token in the node's home; the socket api.sock there needs no token")
	}
	given := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(given[:], g.token[:]) != 1 {
		return api.Unauthorized("the token is not this node's: use the one in the file api.token in this node's home, or the socket api.sock there, which needs none")
	}
	return nil
}

// checkReader lets programs on this machine read without the token, unless the node is private.
// Others need the token. What counts is the address at which the request arrived, not the one it
// claims to come from. Only this machine can reach its loopback interface. A proxy on this machine
// that lets others in needs a private node, or must ask for the token itself.
func (g *guard) checkReader(r *http.Request) error {
	switch addr := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		if addr.IP.IsLoopback() && !g.private {
			return nil
		}
	case *net.UnixAddr:
		return nil
	}
	return g.checkToken(r)
}
