package dnsserver

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"github.com/miekg/dns"
)

const (
	// dohPath is where DNS over HTTPS is served (RFC 8484).
	dohPath = "/dns-query"
	dohType = "application/dns-message"
)

// overHTTPS serves DNS over HTTPS.
func (s *Server) overHTTPS() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+dohPath, func(w http.ResponseWriter, r *http.Request) {
		message, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
		if err != nil || len(message) == 0 {
			http.Error(w, "want ?dns= with a message of DNS in base64url", http.StatusBadRequest)
			return
		}
		s.serveHTTPS(w, r, message)
	})
	mux.HandleFunc("POST "+dohPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != dohType {
			http.Error(w, "want content of type "+dohType, http.StatusUnsupportedMediaType)
			return
		}
		message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, dns.MaxMsgSize))
		if err != nil {
			http.Error(w, "want a message of DNS", http.StatusBadRequest)
			return
		}
		s.serveHTTPS(w, r, message)
	})
	return mux
}

func (s *Server) serveHTTPS(w http.ResponseWriter, r *http.Request, message []byte) {
	asked := new(dns.Msg)
	if err := asked.Unpack(message); err != nil {
		http.Error(w, "want a message of DNS", http.StatusBadRequest)
		return
	}
	var client netip.Prefix
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		client, _ = networkOf(at.Addr())
	}
	m := s.answer(r.Context(), client, asked, dns.MaxMsgSize)
	packed, err := m.Pack()
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", dohType)
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", leastTTL(m)))
	_, _ = w.Write(packed) // the client may be gone
}

// leastTTL is how long an answer may be kept, in seconds.
func leastTTL(m *dns.Msg) uint32 {
	if m.Rcode != dns.RcodeSuccess {
		return 0
	}
	least := ^uint32(0)
	for _, rr := range append(m.Answer, m.Ns...) {
		least = min(least, rr.Header().Ttl)
	}
	return least
}
