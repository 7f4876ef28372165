package apiserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/ui"
	"github.com/lf-store/lf/node/api"
)

// guard decides who may ask. It tells three callers apart. Programs on the node's machine may read.
// Holders of the token may do everything. Pages in a browser on this machine may do nothing. They
// reach localhost by DNS rebinding under a name of their own, or by plain requests whose answers
// they cannot read.
type guard struct {
	// self is what the service is, for messages: a node or a proxy.
	self  string
	hosts []string
	// certificate names further hosts; nil: none.
	certificate *Certificate
	// origins are those whose pages may talk to the node.
	origins []string
	// private asks for the token for reads, too; otherwise public lets everybody read.
	private, public bool
	// proxies are trusted to name their clients.
	proxies []netip.Prefix
	token   [sha256.Size]byte
	// tokens finds the limited ones; nil: there are none.
	tokens func(token string) (*Grant, error)
	// sessions are those of the page.
	sessions *sessions
	// locked is set when there is no token: then nothing is accepted that needs one.
	locked bool
	// tokenless is what a request without a token is told that needs one. Most requests have none,
	// so it is made once.
	tokenless error
}

func newGuard(o *HandlerOptions, s *sessions) *guard {
	hosts := append([]string{"localhost", "127.0.0.1", "[::1]"}, o.Hosts...)
	self := "node"
	if o.Clients != nil {
		self = "proxy"
	}
	g := &guard{self: self, sessions: s, hosts: hosts, certificate: o.Certificate, origins: o.AllowOrigins, private: o.Private, public: o.Public, proxies: o.TrustedProxies, token: sha256.Sum256([]byte(o.Token)), locked: o.Token == "", tokens: o.Tokens}
	g.tokenless = api.Unauthorized("this needs the %[1]s's token, as the header \"Authorization: Bearer TOKEN\" (lf: --token-file FILE or LF_TOKEN): %[2]s, "+
		"or the one in the file api.token in the %[1]s's home; the socket api.sock there needs no token", self, g.tokenMaker())
	return g
}

// checkOrigin refuses what a foreign page in a browser may have sent. A page that comes under a
// name of its own (DNS rebinding) has no token, so a request with the token may name any host.
// Whether the process is up and ready is no secret.
func (g *guard) checkOrigin(r *http.Request) error {
	if !g.knownHost(r.Host) && !isProbe(r) && !g.isHolder(r) {
		return api.NewError(http.StatusMisdirectedRequest, "the Host header %q is not one of this %[2]s's: use localhost or 127.0.0.1, send a token, or allow the name with lf %[2]s --api-host", r.Host, g.self)
	}
	if g.allowedOrigin(r) != "" || isPageVisit(r) {
		return nil
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host {
		return api.Forbidden("pages of origin %q may not talk to this %[2]s: lf %[2]s --api-allow-origin allows an origin", origin, g.self)
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
		return nil
	default:
		return api.Forbidden("pages of other sites may not talk to this %s (Sec-Fetch-Site: %s)", g.self, site)
	}
}

// isProbe reports whether a request asks no more than whether the process is up and ready.
func isProbe(r *http.Request) bool { return r.URL.Path == "/livez" || r.URL.Path == "/readyz" }

// isPageVisit reports whether a browser opens the page, from wherever its user comes. The files of
// the page hold no data, and no page can look into a window of another site.
func isPageVisit(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Origin") == "" && ui.Has(r.URL.Path) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// isHolder reports whether a request bears a token of this node, whatever it allows.
func (g *guard) isHolder(r *http.Request) bool {
	_, err := g.identify(r)
	return err == nil
}

// knownHost accepts the loopback names with any port, and the configured hosts: "name" with any
// port, "name:port" with that one. It also accepts the names in the certificate.
func (g *guard) knownHost(host string) bool {
	name := api.Hostname(host)
	return slices.ContainsFunc(g.hosts, func(h string) bool {
		return h != "" && (strings.EqualFold(h, host) || strings.EqualFold(h, name))
	}) || g.certificate.Covers(host)
}

// checkAccess lets those pass that an operation is for. It returns the limited token with which a
// request came, nil where the request may do everything that the operation does.
func (g *guard) checkAccess(security []map[string][]string, r *http.Request) (*Grant, error) {
	if len(security) == 0 || len(security) == 1 && len(security[0]) == 0 {
		return nil, nil
	}
	if len(security[0]) == 0 && g.isReader(r) {
		return nil, nil
	}
	grant, err := g.identify(r)
	if err == nil && grant != nil {
		err = checkGrant(grant, security)
	}
	return grant, err
}

// identify finds out who asks: nil without an error is a holder of the node's token, or a request
// of a trusted listener. Both may do everything.
func (g *guard) identify(r *http.Request) (*Grant, error) {
	if isTrusted(r) {
		return nil, nil
	}
	scheme, token := credentials(r)
	if one, open := g.session(r); open {
		return &Grant{Name: "session " + one.id, Session: one.id}, nil
	}
	if g.locked && g.tokens == nil {
		return nil, api.Unauthorized("this %s runs without a token, so nothing that needs one is possible", g.self)
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, g.tokenless
	}
	given := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(given[:], g.token[:]) == 1 && !g.locked {
		return nil, nil
	}
	if g.tokens != nil {
		switch grant, err := g.tokens(token); {
		case err != nil:
			return nil, api.Unavailable("the %s cannot read its limited tokens; its log says why", g.self)
		case grant != nil:
			return grant, nil
		}
	}
	return nil, api.Unauthorized("the token is not this %[1]s's, or was revoked: use %[2]s, the one in the file api.token in this %[1]s's home, or the socket api.sock there, which needs none",
		g.self, g.tokenMaker())
}

// revokedWithin is how long what is under way with a limited token may go on after the token was
// revoked. The tokens are looked up that often.
const revokedWithin = 5 * time.Second

// whileAllowed returns a context that ends with the session, or the limited token, that a request
// came with. done gives up what it holds.
func (g *guard) whileAllowed(ctx context.Context, security []map[string][]string, r *http.Request, grant *Grant) (_ context.Context, done func()) {
	one, open := g.session(r)
	if !open && grant == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	if open {
		stop := context.AfterFunc(one.ends, cancel)
		return ctx, func() { stop(); cancel() }
	}
	var look func()
	look = func() {
		if ctx.Err() != nil {
			return
		}
		var refused *api.Error
		if _, err := g.checkAccess(security, r); errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable {
			cancel()
			return
		}
		time.AfterFunc(revokedWithin, look)
	}
	first := time.AfterFunc(revokedWithin, look)
	return ctx, func() { first.Stop(); cancel() }
}

// credentials are what a request shows in its header Authorization.
func credentials(r *http.Request) (scheme, token string) {
	scheme, token, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	return scheme, strings.TrimSpace(token)
}

// session returns the session of the page that a request comes with.
func (g *guard) session(r *http.Request) (one session, open bool) {
	scheme, token := credentials(r)
	if !strings.EqualFold(scheme, "Bearer") {
		return one, false
	}
	return g.sessions.find(token)
}

// servesProxy reports whether the service is a proxy.
func (g *guard) servesProxy() bool { return g.self == "proxy" }

// tokenMaker names the command whose tokens are let in.
func (g *guard) tokenMaker() string {
	if g.servesProxy() {
		return "one of lf proxy client add"
	}
	return "one of lf token add"
}

// caller says who asks, for the service. What the caller may do is the guard's matter.
func (g *guard) caller(r *http.Request) caller.Caller {
	switch grant, err := g.identify(r); {
	case err != nil:
		return caller.Caller{Stranger: true}
	case grant != nil && grant.Session == "":
		return caller.Caller{Name: grant.Name, EffortPerHour: grant.EffortPerHour, Stranger: true}
	}
	return caller.Caller{}
}

// isReader reports whether a request may read without a token: everybody on a public node, nobody
// on a private one, and otherwise this machine's programs. What counts is the address at which the
// request arrived, not the one it claims to come from. Only this machine can reach its loopback
// interface. A proxy on this machine that lets others in must be trusted to name them, or it needs
// a private node.
func (g *guard) isReader(r *http.Request) bool {
	if g.private || g.public {
		return !g.private
	}
	if _, forwarded := g.clientAddress(r); forwarded {
		return false
	}
	switch addr := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return addr.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
