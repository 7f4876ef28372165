package apiserver

import (
	"net"
	"slices"
	"testing"
)

// listensAt is a listener at an address.
type listensAt struct {
	net.Listener
	addr net.Addr
}

func (l listensAt) Addr() net.Addr { return l.addr }

func TestAPIHosts(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string][]string{
		"127.0.0.1:0":      {"127.0.0.1"},
		"lf.example:9980":  {"lf.example"},
		"[::1]:9980":       {"[::1]"},
		"[2001:db8::1]:80": {"[2001:db8::1]"},
	} {
		if got := listenedHosts(listen, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); !slices.Equal(got, want) {
			t.Errorf("%s: hosts %q, want %q", listen, got, want)
		}
	}
	if got := listenedHosts("0.0.0.0:80", &net.TCPAddr{IP: net.IPv4zero}); !slices.Contains(got, "127.0.0.1") {
		t.Errorf("every address: hosts %q", got)
	}
}

func TestAPIAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ip       net.IP
		url      string
		loopback bool
	}{
		{net.IPv4(127, 0, 0, 1), "http://127.0.0.1:80", true},
		{net.IPv6loopback, "http://[::1]:80", true},
		{net.IPv4(192, 0, 2, 1), "http://192.0.2.1:80", false},
		{net.IPv4zero, "http://127.0.0.1:80", false},
		{net.IPv6zero, "http://127.0.0.1:80", false},
	} {
		addr := &net.TCPAddr{IP: test.ip, Port: 80}
		if u := (&Endpoint{tcp: listensAt{addr: addr}}).URL(); u != test.url || isLoopback(addr) != test.loopback {
			t.Errorf("%s: URL %s, loopback %t", addr, u, isLoopback(addr))
		}
	}
}
