package dnsserver

import (
	"errors"
	"time"

	"github.com/miekg/dns"

	"github.com/lf-store/lf/internal/dnszone"
)

const (
	// staleTTL is that of records while the node is away (RFC 8767, section 4).
	staleTTL = 30 * time.Second
	// udpSize is the largest message by UDP: larger ones would be cut up on their way.
	udpSize = 1232
	// maxReason bounds what an answer says about why it is as it is, in bytes.
	maxReason = 200
)

// header begins a record.
func (s *Server) header(owner string, kind uint16, ttl time.Duration) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: kind, Class: dns.ClassINET, Ttl: seconds(ttl)}
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// withTTL copies records of one type for a name. All get the same TTL, within bounds: the smallest
// (RFC 2181, section 5.2).
func (s *Server) withTTL(r *result, records []dns.RR, owner string) []dns.RR {
	ttl := seconds(s.config.MaxTTL)
	for _, rr := range records {
		ttl = min(ttl, max(dnszone.TTL(rr, seconds(s.config.TTL)), seconds(s.config.MinTTL)))
	}
	if r.stale {
		ttl = min(ttl, seconds(staleTTL))
	}
	copies := make([]dns.RR, len(records))
	for i, rr := range records {
		copies[i] = dns.Copy(rr)
		copies[i].Header().Name, copies[i].Header().Ttl = owner, ttl
	}
	return copies
}

// apex are the records of a zone's top that belong to the server: SOA and NS.
func (s *Server) apex(z *dnszone.Zone, owner string, kind uint16) (records []dns.RR) {
	switch kind {
	case dns.TypeSOA:
		soa := s.soa(z)
		soa.Hdr.Name = owner
		return []dns.RR{soa}
	case dns.TypeNS:
		for _, name := range s.config.NameServers {
			records = append(records, &dns.NS{Hdr: s.header(owner, kind, s.config.MaxTTL), Ns: name})
		}
	}
	return records
}

// soa is the record that tells how long a resolver may remember that there is nothing.
func (s *Server) soa(z *dnszone.Zone) *dns.SOA {
	primary := z.Suffix()
	if len(s.config.NameServers) > 0 {
		primary = s.config.NameServers[0]
	}
	return &dns.SOA{
		Hdr: s.header(z.Suffix(), dns.TypeSOA, s.config.Negative), Ns: primary, Mbox: "nobody.invalid.", Serial: s.cache.serial(),
		Refresh: 3600, Retry: 600, Expire: 86400, Minttl: seconds(s.config.Negative),
	}
}

// fill makes an answer of a result.
func (s *Server) fill(m *dns.Msg, r *result) {
	m.Authoritative = true
	if r.failed != nil {
		m.Authoritative, m.Rcode = false, dns.RcodeServerFailure
		return
	}
	m.Answer = r.records
	if last := len(m.Answer) - 1; last < 0 || (m.Question[0].Qtype != dns.TypeCNAME && m.Answer[last].Header().Rrtype == dns.TypeCNAME && r.inside(m.Answer[last])) {
		m.Ns = []dns.RR{s.soa(r.zone)}
	}
}

// inside reports whether a CNAME record leads to a name that the server answers, which then has
// nothing.
func (r *result) inside(alias dns.RR) bool {
	name, err := dnszone.Canonical(alias.(*dns.CNAME).Target) // it is of type CNAME
	return err == nil && dns.IsSubDomain(r.zone.Suffix(), name)
}

// reason says why an answer is as it is (RFC 8914), nil where nothing is to be said.
func (r *result) reason() *dns.EDNS0_EDE {
	e := &dns.EDNS0_EDE{}
	switch {
	case errors.Is(r.failed, errAway):
		e.InfoCode, e.ExtraText = dns.ExtendedErrorCodeNoReachableAuthority, r.failed.Error()
	case errors.Is(r.failed, errBusy):
		e.InfoCode, e.ExtraText = dns.ExtendedErrorCodeNotReady, r.failed.Error()
	case r.failed != nil:
		e.InfoCode, e.ExtraText = dns.ExtendedErrorCodeInvalidData, r.failed.Error()
	case r.stale:
		e.InfoCode, e.ExtraText = dns.ExtendedErrorCodeStaleAnswer, "the node is away"
	case r.filtered:
		e.InfoCode, e.ExtraText = dns.ExtendedErrorCodeFiltered, "addresses of private networks were left out"
	default:
		return nil
	}
	if len(e.ExtraText) > maxReason {
		e.ExtraText = e.ExtraText[:maxReason]
	}
	return e
}
