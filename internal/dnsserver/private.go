package dnsserver

import (
	"net/netip"

	"github.com/miekg/dns"
)

// privateNetworks are those that are not the public Internet. An answer that leads into them lets a
// stranger's web page reach what is behind a firewall (DNS rebinding).
var privateNetworks = parsePrefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
	"::/127", "64:ff9b:1::/48", "100::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// carriers are IPv6 networks whose addresses have one of IPv4 in them: where it begins, in bytes.
var carriers = map[netip.Prefix]int{
	netip.MustParsePrefix("::/96"):        12,
	netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64
	netip.MustParsePrefix("2002::/16"):    2,  // 6to4
}

func parsePrefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// isPrivate reports whether an address leads into a private network.
func isPrivate(a netip.Addr) bool {
	a = a.Unmap()
	if within(privateNetworks, a) {
		return true
	}
	for carrier, at := range carriers {
		if bytes := a.AsSlice(); carrier.Contains(a) {
			return isPrivate(netip.AddrFrom4([4]byte(bytes[at : at+4])))
		}
	}
	return false
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// mayAnswer reports whether an address may be answered. One that is private must be in a network
// that the configuration names.
func (s *Server) mayAnswer(ip []byte) bool {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return false
	}
	a = a.Unmap()
	return !isPrivate(a) || within(s.config.Private, a)
}

// withoutPrivate returns a record without addresses that may not be answered, and whether it had
// any. It is nil where nothing of it is left. The record itself stays as it is.
func (s *Server) withoutPrivate(rr dns.RR) (left dns.RR, had bool) {
	switch rr := rr.(type) {
	case *dns.A:
		had = !s.mayAnswer(rr.A)
	case *dns.AAAA:
		had = !s.mayAnswer(rr.AAAA)
	case *dns.HTTPS:
		if s.hasPrivateHints(&rr.SVCB) {
			copied := dns.Copy(rr).(*dns.HTTPS) // a copy has the same type
			s.dropHints(&copied.SVCB)
			return copied, true
		}
	case *dns.SVCB:
		if s.hasPrivateHints(rr) {
			copied := dns.Copy(rr).(*dns.SVCB) // a copy has the same type
			s.dropHints(copied)
			return copied, true
		}
	}
	if had {
		return nil, true
	}
	return rr, false
}

// hasPrivateHints reports whether the addresses in a service binding have one that may not be
// answered.
func (s *Server) hasPrivateHints(rr *dns.SVCB) bool {
	for _, pair := range rr.Value {
		if !s.mayHint(pair) {
			return true
		}
	}
	return false
}

func (s *Server) mayHint(pair dns.SVCBKeyValue) bool {
	switch hint := pair.(type) {
	case *dns.SVCBIPv4Hint:
		for _, ip := range hint.Hint {
			if !s.mayAnswer(ip) {
				return false
			}
		}
	case *dns.SVCBIPv6Hint:
		for _, ip := range hint.Hint {
			if !s.mayAnswer(ip) {
				return false
			}
		}
	}
	return true
}

// dropHints takes out the lists with an address that may not be answered. They are hints only: a
// client asks for the addresses.
func (s *Server) dropHints(rr *dns.SVCB) {
	var kept []dns.SVCBKeyValue
	for _, pair := range rr.Value {
		if s.mayHint(pair) {
			kept = append(kept, pair)
		}
	}
	rr.Value = kept
}
