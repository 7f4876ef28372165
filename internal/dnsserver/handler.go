package dnsserver

import (
	"context"
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/lf-store/lf/internal/dnszone"
)

// answer answers a message of a client, and fits the answer into size bytes.
func (s *Server) answer(ctx context.Context, client netip.Prefix, asked *dns.Msg, size int) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(asked)
	opt := asked.IsEdns0()
	if opt != nil {
		m.SetEdns0(udpSize, false)
		if opt.Version() != 0 {
			m.Rcode = dns.RcodeBadVers
			return m
		}
	}
	switch q, err := question(asked); {
	case err != dns.RcodeSuccess:
		m.Rcode = err
	default:
		r := s.lookUp(ctx, client, q)
		if r == nil {
			m.Rcode = dns.RcodeRefused
			break
		}
		s.fill(m, r)
		if why := r.reason(); why != nil && opt != nil {
			o := m.IsEdns0()
			o.Option = append(o.Option, why)
		}
		s.note(q, m, r)
	}
	m.Compress = true
	m.Truncate(size)
	return m
}

// question returns the question of a message, or the code with which it is refused.
func question(asked *dns.Msg) (q dns.Question, refused int) {
	switch {
	case asked.Response || len(asked.Question) != 1:
		return q, dns.RcodeFormatError
	case asked.Opcode != dns.OpcodeQuery:
		return q, dns.RcodeNotImplemented
	}
	q = asked.Question[0]
	switch q.Qtype {
	case dns.TypeAXFR, dns.TypeIXFR, dns.TypeMAILA, dns.TypeMAILB:
		return q, dns.RcodeRefused // nobody can list a zone
	}
	if q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY {
		return q, dns.RcodeRefused
	}
	return q, dns.RcodeSuccess
}

// lookUp answers a question; nil where the name is in none of the zones.
func (s *Server) lookUp(ctx context.Context, client netip.Prefix, q dns.Question) *result {
	name, err := dnszone.Canonical(q.Name)
	if err != nil {
		return nil
	}
	z := s.config.Zones.Of(name)
	if z == nil {
		return nil
	}
	r := s.lookup(ctx, client, z, name, q.Qtype)
	for _, rr := range r.records { // as it was asked: resolvers check the case of letters
		if h := rr.Header(); h.Name == name {
			h.Name = q.Name
		}
	}
	return &r
}

// note writes a question to the log.
func (s *Server) note(q dns.Question, m *dns.Msg, r *result) {
	s.config.Logger.Debug("answered", "name", q.Name, "type", dns.Type(q.Qtype), "code", dns.RcodeToString[m.Rcode], "records", len(m.Answer),
		"stale", r.stale, "error", r.failed)
}

// serveUDP answers a packet.
func (s *Server) serveUDP(w dns.ResponseWriter, asked *dns.Msg) {
	defer s.slots.release()
	if asked.Response {
		return // two servers would answer each other forever
	}
	client, local := clientOf(w.RemoteAddr())
	if !local {
		switch s.rates.take(client) {
		case rateCut:
			_ = w.WriteMsg(cut(asked)) // by TCP the client gets its answer
			return
		case rateDrop:
			return
		}
	}
	size := dns.MinMsgSize
	if opt := asked.IsEdns0(); opt != nil {
		size = min(max(int(opt.UDPSize()), dns.MinMsgSize), udpSize)
	}
	s.write(w, client, asked, size)
}

// serveStream answers a message by TCP or TLS.
func (s *Server) serveStream(w dns.ResponseWriter, asked *dns.Msg) {
	client, _ := clientOf(w.RemoteAddr())
	s.write(w, client, asked, dns.MaxMsgSize)
}

func (s *Server) write(w dns.ResponseWriter, client netip.Prefix, asked *dns.Msg, size int) {
	ctx, cancel := context.WithTimeout(s.ctx, loadWithin)
	defer cancel()
	_ = w.WriteMsg(s.answer(ctx, client, asked, size)) // the client may be gone
}

// cut is an answer without records, no longer than its question.
func cut(asked *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(asked)
	m.Truncated = true
	return m
}

// clientOf returns the network of a client, and whether it is this computer.
func clientOf(from net.Addr) (client netip.Prefix, local bool) {
	text := from.String()
	if at, err := netip.ParseAddrPort(text); err == nil {
		return networkOf(at.Addr())
	}
	return netip.Prefix{}, false
}

// networkOf is what counts as one client: an IPv4 address, or a network of IPv6 that one customer
// has.
func networkOf(a netip.Addr) (client netip.Prefix, local bool) {
	a = a.Unmap().WithZone("")
	bits := 56
	if a.Is4() {
		bits = 32
	}
	client, _ = a.Prefix(bits) // the length is right
	return client, a.IsLoopback()
}
