package dnsserver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/lf-store/lf/internal/dnszone"
)

const (
	// maxHops bounds the CNAME records that an answer follows.
	maxHops = 8
	// maxEnclosing is how many names above one are asked for wildcards.
	maxEnclosing = 10
)

// result is what a question comes to.
type result struct {
	records  []dns.RR
	zone     *dnszone.Zone // of the last name
	stale    bool          // the node is away
	filtered bool          // private addresses were left out
	failed   error         // there is no answer
}

// lookup answers a question about a canonical name in a zone. CNAME records are followed inside the
// zones.
func (s *Server) lookup(ctx context.Context, client netip.Prefix, z *dnszone.Zone, name string, kind uint16) (r result) {
	owner := name
	for range maxHops {
		r.zone = z
		at, err := s.stands(ctx, client, z, name)
		if err == nil {
			err = at.err
		}
		if err != nil {
			r.failed = err
			return r
		}
		r.stale = r.stale || at.stale
		target := s.take(&r, at, owner, name, kind)
		if target == "" {
			return r
		}
		if name, err = dnszone.Canonical(target); err != nil {
			return r // no name that anybody could ask for
		}
		owner = target
		if z = s.config.Zones.Of(name); z == nil {
			return r // the resolver asks elsewhere
		}
	}
	r.failed = fmt.Errorf("more than %d CNAME records follow one another", maxHops)
	return r
}

// take adds to a result what stands under a name. It returns the name at which the answer goes on,
// "" for none.
func (s *Server) take(r *result, at found, owner, name string, kind uint16) (target string) {
	if name == r.zone.Suffix() {
		r.records = append(r.records, s.apex(r.zone, owner, kind)...)
	}
	if at.value == nil {
		return ""
	}
	if aliases := at.value.Of(dns.TypeCNAME); len(aliases) > 0 && kind != dns.TypeCNAME && kind != dns.TypeANY {
		if name == r.zone.Suffix() {
			r.failed = fmt.Errorf("%s is the top of a zone, which has no CNAME record", name)
			return ""
		}
		r.records = append(r.records, s.withTTL(r, aliases, owner)...)
		return aliases[0].(*dns.CNAME).Target // it is of type CNAME
	}
	if kind == dns.TypeANY {
		// RFC 8482: an answer with everything would only serve those who attack somebody with it.
		if len(at.value.Records()) > 0 {
			r.records = append(r.records, &dns.HINFO{Hdr: s.header(owner, dns.TypeHINFO, s.config.MaxTTL), Cpu: "RFC8482"})
		}
		return ""
	}
	var records []dns.RR
	for _, rr := range at.value.Of(kind) {
		left, had := s.withoutPrivate(rr)
		r.filtered = r.filtered || had
		if left != nil {
			records = append(records, left)
		}
	}
	r.records = append(r.records, s.withTTL(r, records, owner)...)
	return ""
}

// stands finds what stands under a name, by a wildcard if need be (RFC 4592). The nearest
// name above that has something decides. Names are blinded, so one that only has names below it
// does not count.
func (s *Server) stands(ctx context.Context, client netip.Prefix, z *dnszone.Zone, name string) (found, error) {
	exact, err := s.cache.find(ctx, client, z, []string{name})
	if err != nil {
		return found{}, err
	}
	if !exact[0].none() || name == z.Suffix() {
		return exact[0], nil
	}
	wild := enclosing(z, name)
	all, err := s.cache.find(ctx, client, z, wild)
	if err != nil {
		return found{}, err
	}
	stale := exact[0].stale
	for i, at := range all {
		stale = stale || at.stale
		if at.none() {
			continue
		}
		if isWildcard := i%2 == 0; isWildcard {
			at.stale = stale
			return at, nil
		}
		break // a name that is there: what lies below it is no wildcard's farther above
	}
	return found{stale: stale}, nil
}

// enclosing are the names that decide about a name under which nothing stands. For each name above
// it, from the nearest on, they are the wildcard below that name and the name. The last one is the
// wildcard at the top of the zone.
func enclosing(z *dnszone.Zone, name string) (names []string) {
	for at, end := dns.NextLabel(name, 0); len(names) < 2*maxEnclosing; at, end = dns.NextLabel(name, at) {
		above := name[at:]
		if end {
			above = "."
		}
		wild := "*." + above
		if above == "." {
			wild = "*."
		}
		names = append(names, wild)
		if above == z.Suffix() {
			return names
		}
		names = append(names, above)
	}
	return slices.Clip(names)
}
