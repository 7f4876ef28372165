package p2p

import (
	"slices"
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// fakeRouter forwards TCP ports.
type fakeRouter struct{}

func (fakeRouter) HasDiscoveredNAT() bool { return true }
func (fakeRouter) Close() error           { return nil }
func (fakeRouter) GetMapping(a ma.Multiaddr) ma.Multiaddr {
	if strings.Contains(a.String(), "/tcp/") {
		return ma.StringCast("/ip4/11.0.0.1/tcp/1")
	}
	return nil
}

func TestPortMapping(t *testing.T) {
	var m portMapping
	listening := []ma.Multiaddr{ma.StringCast("/ip4/0.0.0.0/tcp/1"), ma.StringCast("/ip6/::/tcp/1"), ma.StringCast("/ip4/0.0.0.0/udp/1/quic-v1")}
	if f := m.facts(listening); f.Asked || f.Router || len(f.Mapped) > 0 {
		t.Errorf("where no router is asked: %+v", f)
	}
	m.manager = fakeRouter{}
	if f := m.facts(listening); !f.Asked || !f.Router || !slices.Equal(f.Mapped, []string{"/ip4/11.0.0.1/tcp/1"}) {
		t.Errorf("%+v", f)
	}
}
