package apiserver

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxForwarded bounds how many addresses of an X-Forwarded-For header are looked at.
const maxForwarded = 16

// clientAddress returns the address that a request came from. Proxies that are trusted name the
// client in X-Forwarded-For; forwarded says that one did. The last address there that is no trusted
// proxy's counts, because clients write what they like before it. The address is not valid where it
// is not known: over a Unix socket, or where a proxy names nonsense.
func (g *guard) clientAddress(r *http.Request) (client netip.Addr, forwarded bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	client = at.Addr().Unmap().WithZone("")
	said := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if said == "" || !g.isProxy(client) {
		return client, false
	}
	for range maxForwarded {
		rest, last := "", said
		if i := strings.LastIndexByte(said, ','); i >= 0 {
			rest, last = said[:i], said[i+1:]
		}
		client = parseForwarded(strings.TrimSpace(last))
		if rest == "" || !client.IsValid() || !g.isProxy(client) {
			break
		}
		said = rest
	}
	return client, true
}

// parseForwarded reads an address with or without a port, as proxies write them.
func parseForwarded(s string) netip.Addr {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func (g *guard) isProxy(a netip.Addr) bool {
	for _, p := range g.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
