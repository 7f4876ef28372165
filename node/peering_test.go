package node

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// TestThreeNodes has three nodes in a row: what the ends write crosses the middle.
func TestThreeNodes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	c := start(t, config(t, n, seeds(b)))
	wantPeers(t, b, 2)
	wantPagesOfPeers(t, b)
	set(t, a.Service(), "from a", "row#1")
	set(t, c.Service(), "from c", "row#3")
	for _, n := range []*Node{a, b, c} {
		wantRead(t, n.Service(), "from a", "row#1")
		wantRead(t, n.Service(), "from c", "row#3")
	}
}

// wantPagesOfPeers compares a node's peers, one a page, with the list of all.
func wantPagesOfPeers(t *testing.T, n *Node) {
	t.Helper()
	all, err := api.AllPeers(t.Context(), n.Service())
	if err != nil {
		t.Fatal(err)
	}
	page := api.Page{Limit: 1}
	for i, want := range all {
		list, err := n.Service().Peers(t.Context(), page)
		if err != nil || len(list.Peers) != 1 || list.Peers[0].ID != want.ID || (list.Next == "") != (i == len(all)-1) {
			t.Fatalf("page %d: %+v, %v", i, list, err)
		}
		page.After = list.Next
	}
	for _, bad := range []api.Page{{Limit: -1}, {Limit: 1001}, {After: "AAAA"}} {
		if _, err := n.Service().Peers(t.Context(), bad); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestLateJoiner has a node join when all is said, over QUIC, and another one through it.
func TestLateJoiner(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n, func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1"} }))
	for i := range 40 {
		set(t, a.Service(), fmt.Sprint("value ", i), fmt.Sprintf("late#%d", i))
	}
	b := start(t, config(t, n, seeds(a)))
	wantSame(t, a, b)
	c := start(t, config(t, n, seeds(b)))
	wantSame(t, a, c)
	if got := get(t, c.Service(), "late#32"); got != "value 32" {
		t.Errorf("late#32 reads %q", got)
	}
}

// wantSame waits until both nodes have attached the same number of records.
func wantSame(t *testing.T, a, b *Node) {
	t.Helper()
	eventually(t, "the same records", func() bool { return attached(t, a) == attached(t, b) })
}

func attached(t *testing.T, n *Node) uint64 {
	t.Helper()
	s, err := n.Service().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Storage.Attached
}

// TestRestart stops one node of two, and has it catch up when it comes back.
func TestRestart(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	cb := config(t, n, seeds(a))
	b := start(t, cb)
	set(t, b.Service(), "before", "restart#1")
	wantRead(t, a.Service(), "before", "restart#1")
	id := b.PeerID()
	stop(t, b)
	for i := range 20 {
		set(t, a.Service(), "meanwhile", fmt.Sprintf("restart#%d", 2+i))
	}
	b = start(t, cb)
	if b.PeerID() != id {
		t.Error("the node came back as another one")
	}
	if got := get(t, b.Service(), "restart#1"); got != "before" {
		t.Errorf("restart#1 reads %q after the restart", got)
	}
	wantSame(t, a, b)
	set(t, b.Service(), "after", "restart#0")
	wantRead(t, a.Service(), "after", "restart#0")
}

// TestSeedComesLate starts a node whose seed is not there yet, and stops and starts the seed.
func TestSeedComesLate(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	ca := config(t, n, func(c *Config) { c.Listen = []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))} })
	a := start(t, ca)
	seed := a.Addresses()
	stop(t, a)

	b := start(t, config(t, n, func(c *Config) { c.Seeds = seed }))
	set(t, b.Service(), "alone", "late#1")
	for i := range 2 {
		a = start(t, ca)
		wantPeers(t, b, 1)
		// libp2p notes what a peer speaks a moment before it notes its agent.
		eventually(t, "one peer, which is the seed and has said what it is", func() bool {
			peers, err := api.AllPeers(t.Context(), b.Service())
			return err == nil && len(peers) == 1 && peers[0].Seed && peers[0].Agent == "lf/test"
		})
		wantRead(t, a.Service(), "alone", "late#1")
		value := fmt.Sprint("together ", i)
		set(t, a.Service(), value, "late#2")
		wantRead(t, b.Service(), value, "late#2")
		stop(t, a)
		wantPeers(t, b, 0)
	}
}

// TestKnownPeers holds that a node finds again, without a seed, the peers that it knew.
func TestKnownPeers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	cb := config(t, n, seeds(a))
	b := start(t, cb)
	wantPeers(t, b, 1)
	stop(t, b)
	wantPeers(t, a, 0)

	cb.Seeds = nil
	b = start(t, cb)
	wantPeers(t, b, 1)
	set(t, a.Service(), "again", "known")
	wantRead(t, b.Service(), "again", "known")
}

// TestForeignNetworks has nodes of two networks meet: they talk of nothing.
func TestForeignNetworks(t *testing.T) {
	t.Parallel()
	a := start(t, config(t, newNetwork(t, 0)))
	b := start(t, config(t, newNetwork(t, 0), seeds(a)))
	eventually(t, "a connection", func() bool { return len(b.host.Network().Peers()) == 1 })
	eventually(t, "an agent", func() bool {
		peers, err := api.AllPeers(t.Context(), b.Service())
		return err == nil && len(peers) == 1 && peers[0].Agent != ""
	})
	set(t, a.Service(), "mine", "x")
	time.Sleep(200 * time.Millisecond)
	if networkPeers(t, b) != 0 || get(t, b.Service(), "x") != "" {
		t.Error("something crossed from one network to another")
	}
}

// TestPeerLatency holds that a new peer's latency is measured at once.
func TestPeerLatency(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	eventually(t, "a latency", func() bool {
		peers, err := api.AllPeers(t.Context(), b.Service())
		return err == nil && len(peers) == 1 && peers[0].LatencyMS > 0
	})
	peers, err := api.AllPeers(t.Context(), a.Service())
	if err != nil || len(peers) != 1 || peers[0].Direction != "inbound" || peers[0].Seed || peers[0].Limited || len(peers[0].Addresses) == 0 {
		t.Errorf("the other side: %+v, %v", peers, err)
	}
}

// TestOffline has a node with a seed that it must not dial; everything else works.
func TestOffline(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	c := config(t, n, seeds(a), offline, func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/tcp/0"} })
	b := start(t, c)
	if addrs := b.host.Network().ListenAddresses(); len(addrs) != 0 || len(b.Addresses()) != 0 {
		t.Errorf("an offline node listens on %v", addrs)
	}
	if protocols := b.host.Mux().Protocols(); slices.ContainsFunc(protocols, func(p libp2pprotocol.ID) bool {
		// the network's ID may have "kad" in it
		return strings.Contains(string(p), "/meshsub/") || strings.Contains(string(p), "/kad/")
	}) {
		t.Errorf("an offline node speaks %v", protocols)
	}
	if err := b.host.Connect(t.Context(), peer.AddrInfo{ID: a.PeerID(), Addrs: a.host.Addrs()}); err == nil {
		t.Error("an offline node dialed")
	}
	set(t, b.Service(), "to myself", "offline")
	if got := get(t, client(t, b), "offline"); got != "to myself" {
		t.Errorf("offline reads %q", got)
	}
	s, err := b.Service().Status(t.Context())
	if err != nil || !s.Offline || len(a.host.Network().Peers()) != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	// What was written offline goes out when the node comes back.
	stop(t, b)
	c.Offline = false
	start(t, c)
	wantRead(t, a.Service(), "to myself", "offline")
}

// TestAlone has a node without seeds: it works, and dials nobody.
func TestAlone(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	dials := make(chan string, 1)
	n.host.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		dials <- c.RemoteMultiaddr().String()
	}})
	set(t, n.Service(), "alone", "x")
	if got := get(t, n.Service(), "x"); got != "alone" {
		t.Errorf("x reads %q", got)
	}
	select {
	case addr := <-dials:
		t.Errorf("a connection with %s", addr)
	case <-time.After(300 * time.Millisecond):
	}
}

// TestLocalStaysLocal has the local profile refuse to dial and to listen beyond loopback, and to be
// dialed from there.
func TestLocalStaysLocal(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	b := start(t, config(t, n))
	other, err := peer.Decode("12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"/ip4/192.0.2.1/tcp/1", "/ip6/2001:db8::1/udp/1/quic-v1", "/dns4/seed.example/tcp/1"} {
		begin := time.Now()
		err := b.host.Connect(t.Context(), peer.AddrInfo{ID: other, Addrs: []ma.Multiaddr{ma.StringCast(s)}})
		if err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("dial %s: %v after %s", s, err, time.Since(begin))
		}
	}
	for _, s := range []string{"/ip4/0.0.0.0/tcp/0", "/ip4/192.0.2.1/tcp/0"} {
		err := wantStartError(t, config(t, n, func(c *Config) { c.Listen = []string{s} }))
		if !strings.Contains(err.Error(), "loopback") {
			t.Errorf("listen on %s: %v", s, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	wantPeers(t, b, 1)
	var s *api.Status
	eventually(t, "a synchronizing peer", func() bool {
		var err error
		if s, err = client(t, b).Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.Sync.Peers == 1
	})
	if s.Peer != b.PeerID().String() || !slices.Equal(s.Addresses, b.Addresses()) || len(s.Addresses) == 0 ||
		s.Profile != "local" || s.Version != "test" || s.Network.ID != n.ID() || s.Storage.Attached != 2 || s.Storage.Bytes == 0 {
		t.Errorf("status %+v", s)
	}
	if !strings.HasSuffix(s.Addresses[0], "/p2p/"+s.Peer) {
		t.Errorf("address %s cannot be given as a seed", s.Addresses[0])
	}
	f, err := client(t, b).Network(t.Context())
	if err != nil || f.ID != n.ID() || !slices.Equal(f.Seeds, a.Addresses()) {
		t.Errorf("network file %+v, %v", f, err)
	}
}

// TestKnownPeersSurviveACrash has a node write down its first peers at once: it may not end in good
// order.
func TestKnownPeersSurviveACrash(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	eventually(t, "a's peer is on disk", func() bool {
		data, err := a.datastore("peers").Get(t.Context(), datastore.NewKey("/lf/known-peers"))
		return err == nil && strings.Contains(string(data), b.PeerID().String())
	})
}
