package node

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/protocol"
)

// bareHost is a libp2p host that is no node of LF.
func bareHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// publicDHT is a DHT of others, which all know each other.
func publicDHT(t *testing.T, size int) (hosts []host.Host) {
	t.Helper()
	for range size {
		h := bareHost(t)
		d, err := dht.New(h, dht.Mode(dht.ModeServer), dht.DisableAutoRefresh(), dht.AddressFilter(nil))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		for _, other := range hosts {
			if err := h.Connect(t.Context(), peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
				t.Fatal(err)
			}
		}
		hosts = append(hosts, h)
	}
	return hosts
}

func infos(hosts ...host.Host) (list []peer.AddrInfo) {
	for _, h := range hosts {
		list = append(list, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	}
	return list
}

// onLoopback makes a rendezvous that takes loopback for an address worth entering. Members are who
// is of its network.
func onLoopback(t *testing.T, h host.Host, n *protocol.Network, members, lead []host.Host) *rendezvous {
	t.Helper()
	at, err := meetingPoint(n)
	if err != nil {
		t.Fatal(err)
	}
	r := newRendezvous(meeting{
		host: h, at: at,
		speaks: func(p peer.ID) bool {
			return slices.ContainsFunc(members, func(m host.Host) bool { return m.ID() == p })
		},
		allow: func(p peer.AddrInfo) peer.AddrInfo { return p }, log: slog.New(slog.DiscardHandler),
	}, infos(lead...), func() bool { return true })
	r.worth = func(ma.Multiaddr) bool { return true }
	r.search.first = 200 * time.Millisecond
	return r
}

// TestRendezvous holds that two who know nobody but others' DHT find each other there, and that
// they part with those others but for a few.
func TestRendezvous(t *testing.T) {
	t.Parallel()
	others := publicDHT(t, guestsWanted+6)
	a, b := bareHost(t), bareHost(t)
	members := []host.Host{a, b}
	network := newNetwork(t, 0)
	for i, h := range members {
		r := onLoopback(t, h, network, members, others[i:i+1])
		r.start()
		t.Cleanup(func() { _ = r.Close() })
		eventually(t, "a round", func() bool { return !r.facts().Last.IsZero() })
		if f := r.facts(); f.Error != "" || f.Entered.IsZero() {
			t.Errorf("facts %+v", f)
		}
	}
	eventually(t, "to meet", func() bool { return len(a.Network().ConnsToPeer(b.ID())) > 0 })
	for _, h := range members {
		eventually(t, "to part with the others", func() bool { return len(h.Network().Peers()) <= guestsWanted+1 })
	}
}

// TestRendezvousBoundsGuests holds that guests are parted with down to a number, and that nobody
// else is: not members, and not who is protected.
func TestRendezvousBoundsGuests(t *testing.T) {
	t.Parallel()
	h, member, protected := bareHost(t), bareHost(t), bareHost(t)
	hosts := []host.Host{member, protected}
	for range 6 {
		hosts = append(hosts, bareHost(t))
	}
	for _, p := range infos(hosts...) {
		if err := h.Connect(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	h.ConnManager().Protect(protected.ID(), "test")
	r := onLoopback(t, h, newNetwork(t, 0), []host.Host{member}, nil)
	r.partWithGuests(0)
	if n := len(h.Network().Peers()); n != len(hosts) {
		t.Errorf("of %d new connections %d are left: what a peer speaks was not heard yet", len(hosts), n)
	}
	eventually(t, "the guests' grace to end", func() bool { return len(r.guests()) == 6 })
	r.partWithGuests(2)
	if n := len(h.Network().Peers()); n != 4 {
		t.Errorf("%d peers are left, not 2 guests and 2 others", n)
	}
	if len(h.Network().ConnsToPeer(member.ID())) == 0 || len(h.Network().ConnsToPeer(protected.ID())) == 0 {
		t.Error("parted with one that was no guest")
	}
}

// TestRendezvousWithoutPublicDHT holds that a round fails in words when nobody leads into the
// public DHT, and that it is tried again.
func TestRendezvousWithoutPublicDHT(t *testing.T) {
	t.Parallel()
	gone := bareHost(t)
	r := onLoopback(t, bareHost(t), newNetwork(t, 0), nil, []host.Host{gone})
	_ = gone.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.round(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("round: %v, %v", err, ctx.Err())
	}
}

// TestRendezvousOff holds who takes no part in the public DHT.
func TestRendezvousOff(t *testing.T) {
	lead := []string{"/ip4/127.0.0.1/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"}
	for name, test := range map[string]struct {
		change func(*Config)
		want   bool
	}{
		"default profile": {func(*Config) {}, true},
		"server profile":  {func(c *Config) { c.Profile = ProfileServer }, true},
		"local profile":   {func(c *Config) { c.Profile = ProfileLocal }, false},
		"offline":         {func(c *Config) { c.Offline = true }, false},
		"private network": {func(c *Config) { c.Secret = new(protocol.Secret) }, false},
		"nobody leads":    {func(c *Config) { c.Rendezvous = nil }, false},
		"told not to":     {func(c *Config) { c.NoRendezvous = true }, false},
	} {
		c := Config{Profile: ProfileDefault, Rendezvous: lead}
		test.change(&c)
		if why := c.whyNoRendezvous(); (why == "") != test.want {
			t.Errorf("%s: %q", name, why)
		}
	}
}

// Addresses at which nobody else can dial are not entered.
func TestWorthEntering(t *testing.T) {
	for text, want := range map[string]bool{
		"/ip4/11.0.0.1/tcp/9908":          true,
		"/dns4/lf.example/tcp/9908":       true,
		"/ip4/192.168.1.2/tcp/9908":       false,
		"/ip4/127.0.0.1/udp/9908/quic-v1": false,
		"/ip4/100.64.0.1/tcp/9908":        false,
		"/ip6/fd00::1/tcp/9908":           false,
		"/ip6/2a00:1450::1/tcp/9908":      true,
		"/ip4/11.0.0.1/tcp/9908/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN/p2p-circuit": true,
	} {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			t.Fatal(err)
		}
		if worthEntering(a) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}
