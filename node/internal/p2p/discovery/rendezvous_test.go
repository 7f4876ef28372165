package discovery

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// publicDHT is a DHT of others, which all know each other.
func publicDHT(t *testing.T, size int) (hosts []host.Host) {
	t.Helper()
	for range size {
		h := newPublicHost(t)
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

// onLoopback makes a rendezvous that takes loopback for an address worth entering. Members are the
// hosts of its network.
func onLoopback(t *testing.T, h host.Host, n *protocol.Network, members, bootstrap []host.Host) *Rendezvous {
	t.Helper()
	key, err := rendezvousKey(n)
	if err != nil {
		t.Fatal(err)
	}
	r := newRendezvous(providerDiscovery{
		host: h, key: key,
		speaks: func(p peer.ID) bool {
			return slices.ContainsFunc(members, func(m host.Host) bool { return m.ID() == p })
		},
		allow: func(p peer.AddrInfo) peer.AddrInfo { return p }, log: slog.New(slog.DiscardHandler),
	}, nodetest.InfoOf(bootstrap...), func() bool { return true })
	r.worth = func(ma.Multiaddr) bool { return true }
	r.backoff.first = 200 * time.Millisecond
	return r
}

// run has rounds until the end of the test.
func run(t *testing.T, r *Rendezvous) {
	t.Helper()
	var g supervisor.Group
	g.Go(r.Run)
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRendezvous holds that two who know nobody but others' DHT find each other there, and that
// they part with those others but for a few.
func TestRendezvous(t *testing.T) {
	t.Parallel()
	others := publicDHT(t, publicPeersWanted+6)
	a, b := newPublicHost(t), newPublicHost(t)
	members := []host.Host{a, b}
	network := nodetest.NewNetwork(t, 0)
	for i, h := range members {
		r := onLoopback(t, h, network, members, others[i:i+1])
		run(t, r)
		nodetest.Eventually(t, "a round", func() bool { return r.Facts().Last > 0 })
		if f := r.Facts(); f.Error != "" || f.Entered == 0 {
			t.Errorf("facts %+v", f)
		}
	}
	nodetest.Eventually(t, "to meet", func() bool { return len(a.Network().ConnsToPeer(b.ID())) > 0 })
	for _, h := range members {
		nodetest.Eventually(t, "to part with the others", func() bool { return len(h.Network().Peers()) <= publicPeersWanted+1 })
	}
}

// TestRendezvousAtOnce holds that two who look before either has entered meet in the same round.
func TestRendezvousAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	others := publicDHT(t, 3)
	members := []host.Host{newPublicHost(t), newPublicHost(t)}
	network := nodetest.NewNetwork(t, 0)
	var looked, rounds sync.WaitGroup
	looked.Add(len(members))
	for _, h := range members {
		r := onLoopback(t, h, network, members, others)
		var once sync.Once
		r.worth = func(ma.Multiaddr) bool {
			once.Do(looked.Done)
			looked.Wait()
			return true
		}
		rounds.Go(func() {
			if _, err := r.round(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	rounds.Wait()
	if len(members[0].Network().ConnsToPeer(members[1].ID())) == 0 {
		t.Error("they did not meet")
	}
}

// TestRendezvousEntersAddressThatCameLate holds that a node enters itself soon after it can be
// dialed, however long the pause between rounds is by then.
func TestRendezvousEntersAddressThatCameLate(t *testing.T) {
	t.Parallel()
	others := publicDHT(t, 3)
	h := newPublicHost(t)
	r := onLoopback(t, h, nodetest.NewNetwork(t, 0), []host.Host{h}, others)
	var worth atomic.Bool
	r.worth = func(ma.Multiaddr) bool { return worth.Load() }
	r.backoff.first, r.backoff.most = time.Millisecond, time.Hour
	r.backoff.pause, r.backoff.alone = time.Hour, true // as after many rounds
	run(t, r)
	nodetest.Eventually(t, "a round", func() bool { return r.Facts().Last > 0 })
	if f := r.Facts(); f.Entered != 0 {
		t.Fatalf("entered without an address: %+v", f)
	}
	worth.Store(true)
	bus, err := h.EventBus().Emitter(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if err := bus.Emit(event.EvtLocalAddressesUpdated{}); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "to enter", func() bool { return r.Facts().Entered != 0 })
}

// TestRendezvousBoundsPublicPeers holds that connections to public peers end down to a number.
// Connections to members and to protected peers stay.
func TestRendezvousBoundsPublicPeers(t *testing.T) {
	t.Parallel()
	h, member, protected := newPublicHost(t), newPublicHost(t), newPublicHost(t)
	hosts := []host.Host{member, protected}
	for range 6 {
		hosts = append(hosts, newPublicHost(t))
	}
	for _, p := range nodetest.InfoOf(hosts...) {
		if err := h.Connect(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	h.ConnManager().Protect(protected.ID(), "test")
	r := onLoopback(t, h, nodetest.NewNetwork(t, 0), []host.Host{member}, nil)
	r.partWithPublicPeers(0)
	if n := len(h.Network().Peers()); n != len(hosts) {
		t.Errorf("of %d new connections %d are left: what a peer speaks was not heard yet", len(hosts), n)
	}
	nodetest.Eventually(t, "the public peers' grace to end", func() bool { return len(r.publicPeers()) == 6 })
	r.partWithPublicPeers(2)
	if n := len(h.Network().Peers()); n != 4 {
		t.Errorf("%d peers are left, not 2 public peers and 2 others", n)
	}
	if len(h.Network().ConnsToPeer(member.ID())) == 0 || len(h.Network().ConnsToPeer(protected.ID())) == 0 {
		t.Error("parted with one that was no public peer")
	}
}

// TestRendezvousWithoutPublicDHT holds that a round fails in words when nobody leads into the
// public DHT, and that it is tried again.
func TestRendezvousWithoutPublicDHT(t *testing.T) {
	t.Parallel()
	gone := newPublicHost(t)
	r := onLoopback(t, newPublicHost(t), nodetest.NewNetwork(t, 0), nil, []host.Host{gone})
	_ = gone.Close()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	if _, err := r.round(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("round: %v, %v", err, ctx.Err())
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
