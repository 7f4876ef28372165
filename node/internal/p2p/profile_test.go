package p2p

import (
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestParseProfile(t *testing.T) {
	for s, want := range map[string]Profile{"": ProfileDefault, "default": ProfileDefault, "server": ProfileServer, "local": ProfileLocal} {
		if p, err := ParseProfile(s); err != nil || p != want {
			t.Errorf("profile %q: %q, %v", s, p, err)
		}
	}
	if _, err := ParseProfile("Local"); err == nil || !strings.Contains(err.Error(), "default, server or local") {
		t.Errorf("unknown profile: %v", err)
	}
}

// TestGater says of each address which profiles may dial it (d, s, l), and from which they accept
// (D, S, L).
func TestGater(t *testing.T) {
	for addr, want := range map[string]string{
		"/ip4/127.0.0.1/tcp/1":               "dDSlL",
		"/ip4/127.255.0.1/udp/1/quic-v1":     "dDSlL",
		"/ip6/::1/tcp/1":                     "dDSlL",
		"/ip6/::ffff:127.0.0.1/tcp/1":        "dDSlL",
		"/ip4/8.8.8.8/tcp/1":                 "dDsS",
		"/ip6/2606:4700::1111/udp/1/quic-v1": "dDsS",
		"/ip4/10.0.0.1/tcp/1":                "dDS",
		"/ip4/172.16.0.1/tcp/1":              "dDS",
		"/ip4/192.168.1.1/udp/1/quic-v1":     "dDS",
		"/ip4/169.254.1.1/tcp/1":             "dDS",
		"/ip4/100.64.0.1/tcp/1":              "dDS",
		"/ip4/0.0.0.0/tcp/1":                 "dDS",
		"/ip4/224.0.0.1/tcp/1":               "dDS",
		"/ip6/fd00::1/tcp/1":                 "dDS",
		"/ip6/fe80::1/tcp/1":                 "dDS",
		"/ip6/::ffff:10.0.0.1/tcp/1":         "dDS",
		"/dns4/localhost/tcp/1":              "DS", // a name that did not resolve
		"/dns/seed.example/udp/1/quic-v1":    "DS",
		"/unix/tmp%2fsocket":                 "DS",
		"/ip6zone/eth0/ip6/fe80::1/tcp/1":    "dDS",
		"/ip4/8.8.8.8/tcp/1/p2p-circuit":     "dDsS",
		"/ip4/127.0.0.1/tcp/1/ws":            "dDSlL",
		"/ip4/127.0.0.1/udp/1/quic-v1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF": "dDSlL",
	} {
		a, err := ma.NewMultiaddr(addr)
		if err != nil {
			t.Fatal(err)
		}
		have := ""
		for _, p := range []Profile{ProfileDefault, ProfileServer, ProfileLocal} {
			g := &gater{profile: p}
			letter := string(p[:1])
			if g.InterceptAddrDial("x", a) {
				have += letter
			}
			if g.InterceptAccept(remote{a}) {
				have += strings.ToUpper(letter)
			}
			off := &gater{profile: p, offline: true}
			if off.InterceptAddrDial("x", a) || off.InterceptAccept(remote{a}) || off.InterceptPeerDial("x") {
				t.Errorf("%s, offline: let pass", addr)
			}
		}
		if have != want {
			t.Errorf("%s: %s, want %s", addr, have, want)
		}
	}
}

type remote struct{ addr ma.Multiaddr }

func (r remote) LocalMultiaddr() ma.Multiaddr  { return r.addr }
func (r remote) RemoteMultiaddr() ma.Multiaddr { return r.addr }

func TestParseSeeds(t *testing.T) {
	const one, two = "12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF", "12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu"
	self, err := peer.Decode(two)
	if err != nil {
		t.Fatal(err)
	}
	seeds, err := ParseSeeds([]string{
		"/ip4/192.0.2.1/tcp/1/p2p/" + one, " /ip4/192.0.2.1/udp/1/quic-v1/p2p/" + one + "\n", "/ip4/192.0.2.1/tcp/1/p2p/" + one,
		"/ip4/192.0.2.2/tcp/1/p2p/" + two, "/dnsaddr/seed.example/p2p/" + one,
	}, self, ProfileDefault)
	if err != nil || len(seeds) != 1 || seeds[0].ID.String() != one || len(seeds[0].Addrs) != 3 {
		t.Errorf("seeds %v, %v; want one peer with three addresses", seeds, err)
	}
	for seed, want := range map[string]string{
		"":                                    "not a multiaddr",
		"192.0.2.1:9908":                      "not a multiaddr",
		"/ip4/192.0.2.1/tcp/99999/p2p/" + one: "not a multiaddr",
		"/ip4/192.0.2.1/tcp/1":                "lacks the peer's ID",
		"/p2p/" + one:                         "lacks an address",
		"/ip4/192.0.2.1/tcp/1/p2p/Qm":         "not a multiaddr",
		"/ip4/10.0.0.1/tcp/1/p2p/" + one:      "profile server",
		"/ip4/127.0.0.1/tcp/1/p2p/" + one:     "profile server",
	} {
		if _, err := ParseSeeds([]string{seed}, self, ProfileServer); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("seed %q: %v, want a line with %q", seed, err, want)
		}
	}
	for _, seed := range []string{"/ip4/8.8.8.8/tcp/1/p2p/" + one, "/dns4/localhost/tcp/1/p2p/" + one} {
		if _, err := ParseSeeds([]string{seed}, self, ProfileLocal); err == nil || !strings.Contains(err.Error(), "profile local") {
			t.Errorf("seed %q with the profile local: %v", seed, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, p := range []Profile{ProfileDefault, ProfileServer, ProfileLocal} {
		s := p.sizes()
		if s.low >= s.high || s.high >= s.inbound || s.inbound > s.conns || s.minMemory > s.maxMemory {
			t.Errorf("%s: %+v does not fit together", p, s)
		}
		limits := p.resourceLimits().ToPartialLimitConfig()
		if int(limits.System.Conns) != s.conns || int(limits.Transient.ConnsInbound) != s.transient {
			t.Errorf("%s: the limits are not those of the profile: %+v", p, limits.System)
		}
	}
}
