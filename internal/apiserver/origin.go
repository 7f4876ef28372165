package apiserver

import (
	"net/http"
	"slices"
	"strings"
)

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
	w.Header().Set("Access-Control-Expose-Headers", "Allow, Location, Preference-Applied, Retry-After, WWW-Authenticate")
	if !isPreflight(r) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", h.mux.allMethods())
	w.Header().Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Idempotency-Key, Prefer")
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
