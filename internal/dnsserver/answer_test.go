package dnsserver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
)

// zone is what the answers are of.
var zone = map[string]string{
	"@":             "A 198.51.100.1\nMX 10 mail.lf.\n",
	"www.example":   "A 192.0.2.1\nA 192.0.2.2\n300 AAAA 2001:db8::1\nTXT \"a b\" c\n",
	"mixed":         "30 A 192.0.2.1\n20 A 192.0.2.2\n",
	"brief":         "0 A 192.0.2.3",
	"long":          "1w A 192.0.2.3",
	"alias":         "CNAME www.example",
	"far":           "60 CNAME alias",
	"out":           "CNAME www.example.org.",
	"empty.alias":   "CNAME nothing.here",
	"loop1":         "CNAME loop2",
	"loop2":         "CNAME loop1",
	"*.wild":        "A 192.0.2.9",
	"there.wild":    "TXT x",
	"*.deep.wild":   "CNAME www.example",
	"blank":         "; nothing but a comment",
	"bad":           "A 192.0.2.1\nA 192.0.2.256",
	"two":           "CNAME a\nA 192.0.2.1",
	"ns":            "NS ns.example.org.",
	"inside":        "A 10.0.0.1\nA 192.0.2.4\nAAAA fd00::1",
	"mapped":        "AAAA ::ffff:127.0.0.1\nAAAA 64:ff9b::a00:1\nAAAA 2002:c0a8:101::1\nAAAA 2001:db8::2",
	"svc":           "HTTPS 1 . alpn=h2 ipv4hint=10.0.0.1 ipv6hint=2001:db8::3",
	"_443._tcp.www": "TLSA 3 1 1 0102030405060708091011121314151617181920212223242526272829303132",
	"host":          "SSHFP 4 2 0102030405060708091011121314151617181920212223242526272829303132",
	"_http._tcp":    "SRV 0 5 8080 www.example",
	"outer.private": "AAAA ::ffff:172.16.3.4",
	"other.private": "A 172.16.3.4",
	"up\\.dot":      "A 192.0.2.5",
	"unknown":       "TYPE65400 \\# 1 00",
	"disguised":     "TYPE1 \\# 4 0a000001",
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t, newFakeNode(zone), func(c *Config) {
		c.Private = []netip.Prefix{netip.MustParsePrefix("172.16.0.0/16")}
		c.NameServers = []string{"ns1.example.org."}
	})
	for _, c := range []struct {
		name string
		kind uint16
		want string
	}{
		{"www.example.lf.", dns.TypeA, "NOERROR; www.example.lf. 60 A 192.0.2.1; www.example.lf. 60 A 192.0.2.2"},
		{"wWw.eXample.LF.", dns.TypeAAAA, "NOERROR; wWw.eXample.LF. 300 AAAA 2001:db8::1"},
		{"www.example.lf.", dns.TypeTXT, `NOERROR; www.example.lf. 60 TXT "a b" "c"`},
		{"www.example.lf.", dns.TypeMX, "NOERROR; authority lf. SOA"},
		{"www.example.lf.", dns.TypeANY, `NOERROR; www.example.lf. 3600 HINFO "RFC8482" ""`},
		{"mixed.lf.", dns.TypeA, "NOERROR; mixed.lf. 20 A 192.0.2.1; mixed.lf. 20 A 192.0.2.2"},
		{"brief.lf.", dns.TypeA, "NOERROR; brief.lf. 1 A 192.0.2.3"},
		{"long.lf.", dns.TypeA, "NOERROR; long.lf. 3600 A 192.0.2.3"},
		{"nothing.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"example.lf.", dns.TypeA, "NOERROR; authority lf. SOA"}, // above www.example.lf.
		{"alias.lf.", dns.TypeA, "NOERROR; alias.lf. 60 CNAME www.example.lf.; www.example.lf. 60 A 192.0.2.1; www.example.lf. 60 A 192.0.2.2"},
		{"far.lf.", dns.TypeAAAA, "NOERROR; far.lf. 60 CNAME alias.lf.; alias.lf. 60 CNAME www.example.lf.; www.example.lf. 300 AAAA 2001:db8::1"},
		{"far.lf.", dns.TypeCNAME, "NOERROR; far.lf. 60 CNAME alias.lf."},
		{"alias.lf.", dns.TypeMX, "NOERROR; alias.lf. 60 CNAME www.example.lf.; authority lf. SOA"},
		{"out.lf.", dns.TypeA, "NOERROR; out.lf. 60 CNAME www.example.org."},
		{"empty.alias.lf.", dns.TypeA, "NOERROR; empty.alias.lf. 60 CNAME nothing.here.lf.; authority lf. SOA"},
		{"loop1.lf.", dns.TypeA, "SERVFAIL; because Invalid Data"},
		{"x.wild.lf.", dns.TypeA, "NOERROR; x.wild.lf. 60 A 192.0.2.9"},
		{"x.y.wild.lf.", dns.TypeA, "NOERROR; x.y.wild.lf. 60 A 192.0.2.9"},
		{"*.wild.lf.", dns.TypeA, "NOERROR; *.wild.lf. 60 A 192.0.2.9"},
		{"wild.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"there.wild.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"x.there.wild.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"q.deep.wild.lf.", dns.TypeAAAA, "NOERROR; q.deep.wild.lf. 60 CNAME www.example.lf.; www.example.lf. 300 AAAA 2001:db8::1"},
		{"blank.lf.", dns.TypeA, "NOERROR; authority lf. SOA"},
		{"bad.lf.", dns.TypeA, "SERVFAIL; because Invalid Data"},
		{"two.lf.", dns.TypeA, "SERVFAIL; because Invalid Data"},
		{"ns.lf.", dns.TypeNS, "SERVFAIL; because Invalid Data"},
		{"unknown.lf.", dns.TypeA, "SERVFAIL; because Invalid Data"},
		{"inside.lf.", dns.TypeA, "NOERROR; inside.lf. 60 A 192.0.2.4; because Filtered"},
		{"inside.lf.", dns.TypeAAAA, "NOERROR; authority lf. SOA; because Filtered"},
		{"mapped.lf.", dns.TypeAAAA, "NOERROR; mapped.lf. 60 AAAA 2001:db8::2; because Filtered"},
		{"svc.lf.", dns.TypeHTTPS, `NOERROR; svc.lf. 60 HTTPS 1 . alpn="h2" ipv6hint="2001:db8::3"; because Filtered`},
		{"other.private.lf.", dns.TypeA, "NOERROR; other.private.lf. 60 A 172.16.3.4"},
		{"outer.private.lf.", dns.TypeAAAA, "NOERROR; outer.private.lf. 60 AAAA ::ffff:172.16.3.4"},
		{"_443._tcp.www.lf.", dns.TypeTLSA, "NOERROR; _443._tcp.www.lf. 60 TLSA 3 1 1 0102030405060708091011121314151617181920212223242526272829303132"},
		{"host.lf.", dns.TypeSSHFP, "NOERROR; host.lf. 60 SSHFP 4 2 0102030405060708091011121314151617181920212223242526272829303132"},
		{"_http._tcp.lf.", dns.TypeSRV, "NOERROR; _http._tcp.lf. 60 SRV 0 5 8080 www.example.lf."},
		{`up\.dot.lf.`, dns.TypeA, `NOERROR; up\.dot.lf. 60 A 192.0.2.5`},
		{"lf.", dns.TypeA, "NOERROR; lf. 60 A 198.51.100.1"},
		{"lf.", dns.TypeNS, "NOERROR; lf. 3600 NS ns1.example.org."},
		{"www.example.org.", dns.TypeA, "REFUSED"},
		{"lf.example.", dns.TypeA, "REFUSED"},
		{"lf.", dns.TypeAXFR, "REFUSED"},
	} {
		if got := strings.Join(said(ask(s, c.name, c.kind)), "; "); got != c.want {
			t.Errorf("%s %s: %s\nwant %s", c.name, dns.Type(c.kind), got, c.want)
		}
	}
	if m := ask(s, "lf.", dns.TypeSOA); len(m.Answer) != 1 || m.Answer[0].(*dns.SOA).Minttl != 10 || m.Answer[0].(*dns.SOA).Ns != "ns1.example.org." {
		t.Errorf("SOA: %v", m.Answer)
	}
	for _, name := range []string{"disguised.lf.", "inside.lf."} {
		for _, rr := range ask(s, name, dns.TypeA).Answer {
			if a, ok := rr.(*dns.A); !ok || a.A.IsPrivate() {
				t.Errorf("a private address was answered: %v", rr)
			}
		}
	}
}

// TestOddMessages: what is no question gets an error, and nothing panics.
func TestOddMessages(t *testing.T) {
	t.Parallel()
	s := newServer(t, newFakeNode(zone), nil)
	for _, c := range []struct {
		change func(*dns.Msg)
		want   int
	}{
		{func(m *dns.Msg) { m.Question = nil }, dns.RcodeFormatError},
		{func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, dns.RcodeFormatError},
		{func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, dns.RcodeNotImplemented},
		{func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused},
		{func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }, dns.RcodeBadVers},
	} {
		m := new(dns.Msg)
		m.SetQuestion("www.example.lf.", dns.TypeA)
		m.SetEdns0(512, false)
		c.change(m)
		got := s.answer(t.Context(), tester, m, 512)
		if _, err := got.Pack(); got.Rcode != c.want || err != nil {
			t.Errorf("%s, %v, want %s", dns.RcodeToString[got.Rcode], err, dns.RcodeToString[c.want])
		}
	}
}

// TestHugeAnswer: an answer that a message by UDP cannot hold is cut off there, and whole by TCP.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 400 {
		lines = append(lines, fmt.Sprintf("A 192.0.%d.%d", i/200+2, i%200))
	}
	s := newServer(t, newFakeNode(map[string]string{"big": strings.Join(lines, "\n"), "bomb": strings.Repeat("A 192.0.2.1\n", 1<<16)}),
		func(c *Config) { c.Listen = []string{"127.0.0.1:0"} })
	for _, c := range []struct {
		network string
		edns    uint16
		most    int
		whole   bool
	}{{"udp", 0, 512, false}, {"udp", 4096, 1232, false}, {"tcp", 0, dns.MaxMsgSize, true}} {
		m := new(dns.Msg)
		m.SetQuestion("big.lf.", dns.TypeA)
		if c.edns > 0 {
			m.SetEdns0(c.edns, false)
		}
		client := &dns.Client{Net: c.network, Timeout: 20 * time.Second}
		got, _, err := client.Exchange(m, s.Addresses()[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		got.Compress = true
		if got.Truncated == c.whole || got.Len() > c.most || (len(got.Answer) == 400) != c.whole {
			t.Errorf("%s with %d: %d records in %d bytes, cut off %t", c.network, c.edns, len(got.Answer), got.Len(), got.Truncated)
		}
	}
	if got := said(ask(s, "bomb.lf.", dns.TypeA)); got[0] != "SERVFAIL" {
		t.Errorf("a value of 768 KiB: %q", got)
	}
}

// TestZones: names go to the innermost zone, and a zone has a key of its own making.
func TestZones(t *testing.T) {
	t.Parallel()
	n := newFakeNode(nil)
	n.values = map[string]string{
		lf.MustKey("team", "10.2.0.192.in-addr.arpa.").String(): "PTR www.corp.lf.",
		lf.MustKey("www", "corp#7").String():                    "A 192.0.2.77",
	}
	s := newServer(t, n, func(c *Config) {
		var err error
		if c.Zones, err = dnszone.ParseZones([]string{"lf", "2.0.192.in-addr.arpa=team {fqdn}", "corp.lf={name} corp#7"}); err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range []struct {
		name string
		kind uint16
		want string
	}{
		{"www.corp.lf.", dns.TypeA, "www.corp.lf. 60 A 192.0.2.77"},
		{"10.2.0.192.in-addr.arpa.", dns.TypePTR, "10.2.0.192.in-addr.arpa. 60 PTR www.corp.lf."},
	} {
		if got := said(ask(s, c.name, c.kind)); !slices.Equal(got, []string{"NOERROR", c.want}) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
