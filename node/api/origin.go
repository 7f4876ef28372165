package api

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseHost checks a name by which clients may call a node: NAME for any port, or NAME:PORT. An
// IPv6 address stands in brackets.
func ParseHost(s string) (string, error) {
	name, port := hostname(s), ""
	if name != s {
		port = s[len(name)+1:]
	}
	inner, bracketed := strings.CutPrefix(name, "[")
	if bracketed {
		inner = strings.TrimSuffix(inner, "]")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case bracketed && (net.ParseIP(inner) == nil || !strings.Contains(inner, ":") || name != "["+inner+"]"),
		!bracketed && !isHostname(name), name != s && (err != nil || n == 0):
		return "", fmt.Errorf("%q is not a host, such as lf.example.org or lf.example.org:8443", s)
	}
	return s, nil
}

// isHostname reports whether a text is letters, digits, dots, hyphens and underscores: what
// browsers and DNS make of every name.
func isHostname(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", c) {
			return false
		}
	}
	return s != ""
}

// ParseOrigin checks an origin whose pages may talk to a node, and returns it as browsers write it:
// SCHEME://HOST, or SCHEME://HOST:PORT where the port is not the scheme's own.
func ParseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	wrong := err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""
	if !wrong {
		_, err = ParseHost(u.Host)
		wrong = err != nil
	}
	if wrong {
		return "", fmt.Errorf("%q is not an origin, such as https://app.example.org", s)
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host, nil
}

// allowedOrigin returns the origin of a request if it is one whose pages may talk to the node, ""
// if not.
func (g *guard) allowedOrigin(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(g.origins, origin) {
		return origin
	}
	return ""
}

// isPreflight reports whether a browser asks if it may send a page's request. It never carries the
// token.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// shareAnswer lets pages of an allowed origin read the answer (CORS), and answers a preflight. It
// reports whether that was all.
func (h *Handler) shareAnswer(w http.ResponseWriter, r *http.Request) (done bool) {
	if len(h.guard.origins) == 0 {
		return false
	}
	w.Header().Add("Vary", "Origin")
	origin := h.guard.allowedOrigin(r)
	if origin == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "Allow, Retry-After, WWW-Authenticate")
	if !isPreflight(r) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", h.mux.allMethods())
	w.Header().Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allMethods lists the methods of all routes.
func (m *mux) allMethods() string {
	var all []string
	for _, methods := range m.methods {
		all = append(all, methods...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
