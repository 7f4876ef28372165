package apiserver_test

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
)

// from makes a request come from an address, through proxies that say what X-Forwarded-For has.
func from(address string, forwarded ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.RemoteAddr = address
		for _, line := range forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
	}
}

// TestRate: the requests of an address without a token are limited, with room for a burst. Those
// with a token, and those of another address, are not concerned.
func TestRate(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token, Public: true, AnonymousRate: 2})
	synctest.Test(t, func(t *testing.T) {
		status := func(change ...func(*http.Request)) int {
			return ask(t, h, "GET", "/v1/status", nil, change...).Code
		}
		used := func(change ...func(*http.Request)) (n int) {
			for status(change...) == http.StatusOK {
				n++
			}
			return n
		}
		user := from("192.0.2.7:1000")
		if n := used(user); n != 10 { // 5 seconds' worth
			t.Errorf("%d requests at once", n)
		}
		refused := ask(t, h, "GET", "/v1/status", nil, user)
		refused.wantProblem(t, http.StatusTooManyRequests, "more than 2 requests a second")
		if refused.Header().Get("Retry-After") != "1" {
			t.Errorf("headers %v", refused.Header())
		}
		if status(from("192.0.2.7:2000")) != http.StatusTooManyRequests {
			t.Error("another port is another address")
		}
		if status(user, header("Authorization", "Bearer guess")) != http.StatusTooManyRequests {
			t.Error("a wrong token lifts the limit")
		}
		for name, other := range map[string]func(*http.Request){
			"another address": from("192.0.2.8:1000"), "the token": func(r *http.Request) { user(r); withToken(r) },
		} {
			if status(other) != http.StatusOK {
				t.Errorf("%s is limited", name)
			}
		}
		ask(t, h, "GET", "/livez", nil, user).want(t, http.StatusOK, "text/plain; charset=utf-8")
		time.Sleep(3 * time.Second)
		if n := used(user); n != 6 {
			t.Errorf("%d requests after 3 seconds", n)
		}
		// A user has 64 bits of an IPv6 address for itself.
		if n := used(from("[2001:db8:0:1::1]:1")); n != 10 {
			t.Errorf("%d requests over IPv6", n)
		}
		if status(from("[2001:db8:0:1:ffff::2]:1")) != http.StatusTooManyRequests || status(from("[2001:db8:0:2::1]:1")) != http.StatusOK {
			t.Error("IPv6 addresses are not told apart by their first 64 bits")
		}
		if status(from("[::ffff:192.0.2.7]:1")) != http.StatusTooManyRequests {
			t.Error("an IPv4 address over IPv6 is another one")
		}
		if status(from("@")) != http.StatusOK {
			t.Error("an address that is not known")
		}
	})
}

// TestManyAddresses: the number of addresses that are remembered is bounded.
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	l := apiserver.NewRateLimit(1)
	now := time.Now()
	for i := range 100_000 {
		if wait := l.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now); wait != 0 {
			t.Fatal(i, wait)
		}
	}
	if n := l.Len(); n > 16<<10 {
		t.Errorf("%d addresses", n)
	}
}

// TestForwarded: only a trusted proxy names the client, and only the last address that it is not
// itself counts.
func TestForwarded(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for i, test := range []struct {
		from string
		said []string
		want string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"}, // no proxy of ours
		{"10.1.2.3:5", []string{"198.51.100.1"}, "198.51.100.1"},
		// the first one is what the client says
		{"10.1.2.3:5", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"10.1.2.3:5", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"10.1.2.3:5", []string{"203.0.113.9,10.7.7.7 , 10.8.8.8"}, "203.0.113.9"},
		{"[fd00::1]:5", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"10.1.2.3:5", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"10.1.2.3:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"10.1.2.3:5", []string{"10.9.9.9"}, "10.9.9.9"}, // a client among the proxies
		{"10.1.2.3:5", []string{"unknown"}, "invalid IP"},
		{"10.1.2.3:5", []string{"198.51.100.1, "}, "invalid IP"},
		{"10.1.2.3:5", []string{""}, "10.1.2.3"},
		{"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: test.from, Header: http.Header{"X-Forwarded-For": test.said}}
		if got := apiserver.ClientAddress(proxies, r); got.String() != test.want {
			t.Errorf("%d: %s, want %s", i, got, test.want)
		}
	}
}

// TestReadersBehindProxy: the clients of a trusted proxy on this machine are not on this machine.
func TestReadersBehindProxy(t *testing.T) {
	t.Parallel()
	options := apiserver.HandlerOptions{Token: token, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	local, remote, forged := from("127.0.0.1:5"), from("127.0.0.1:5", "198.51.100.1"), from("127.0.0.1:5", "127.0.0.1")
	for name, test := range map[string]struct {
		private, public bool
		want            []int // local, remote, forged
	}{
		"as ever": {want: []int{200, 401, 401}},
		"public":  {public: true, want: []int{200, 200, 200}},
		"private": {private: true, public: true, want: []int{401, 401, 401}},
	} {
		options.Private, options.Public = test.private, test.public
		h := apiserver.NewHandler(newFake(t), options)
		for i, by := range []func(*http.Request){local, remote, forged} {
			if got := ask(t, h, "GET", "/v1/status", nil, by).Code; got != test.want[i] {
				t.Errorf("%s: request %d: %d, want %d", name, i, got, test.want[i])
			}
			if got := ask(t, h, "POST", "/v1/work", text(workBody), by).Code; got != http.StatusUnauthorized {
				t.Errorf("%s: request %d may have work done: %d", name, i, got)
			}
			if got := ask(t, h, "GET", "/v1/status", nil, by, withToken).Code; got != http.StatusOK {
				t.Errorf("%s: request %d with the token: %d", name, i, got)
			}
		}
	}
	// Without trust in a proxy, its clients seem to be on this machine.
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{})
	if got := ask(t, h, "GET", "/v1/status", nil, remote).Code; got != http.StatusOK {
		t.Errorf("status %d", got)
	}
}
