package p2p

import (
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// TestRankDials holds that QUIC has time for two packets lost before anything else is tried at
// public addresses.
func TestRankDials(t *testing.T) {
	const (
		quic, tcp  = "/ip4/11.0.0.1/udp/9908/quic-v1", "/ip4/11.0.0.1/tcp/9908"
		lan        = "/ip4/192.168.0.1/tcp/9908"
		lanQUIC    = "/ip4/192.168.0.1/udp/9908/quic-v1"
		relay      = "/ip4/11.0.0.2/udp/9908/quic-v1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF/p2p-circuit"
		notDelayed = 600 * time.Millisecond // of libp2p's own delays the longest here
	)
	for _, c := range []struct {
		all     []string
		delayed map[string]bool
	}{
		{[]string{quic, tcp, lan, lanQUIC, relay}, map[string]bool{tcp: true, relay: true}},
		{[]string{tcp, lan}, nil},
		{[]string{lanQUIC, lan, tcp}, nil}, // at its public address it may not speak QUIC
		{[]string{relay, tcp}, nil},
		{nil, nil},
	} {
		var addrs []ma.Multiaddr
		for _, a := range c.all {
			addrs = append(addrs, ma.StringCast(a))
		}
		ranked := rankDials(addrs)
		if len(ranked) != len(c.all) {
			t.Fatalf("%d addresses of %d", len(ranked), len(c.all))
		}
		for _, r := range ranked {
			if late := r.Delay > notDelayed; late != c.delayed[r.Addr.String()] {
				t.Errorf("%v: %s after %s", c.all, r.Addr, r.Delay)
			}
		}
	}
}
