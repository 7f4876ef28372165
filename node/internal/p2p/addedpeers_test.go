package p2p

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// infoOf is where a host of a test can be dialed.
func infoOf(h *Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

// TestConnect adds a peer while the connector runs. The connector dials it again after a cut, until
// the user parts from it. Then neither side gets a connection, until the user adds it again.
func TestConnect(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	k := connect(t, a)
	if err := k.Connect(t.Context(), infoOf(b)); err != nil || !connected(a, b) {
		t.Fatal(err)
	}
	if added := k.Added(); len(added) != 1 || added[0].ID != b.ID() || !k.IsAdded(b.ID()) || k.IsSeed(b.ID()) {
		t.Errorf("added: %v", added)
	}
	if d := k.Dials(); len(d) != 1 || !d[0].Added || d[0].Seed || !d[0].Connected {
		t.Errorf("dials: %+v", d)
	}
	if !a.ConnManager().IsProtected(b.ID(), addedTag) {
		t.Error("the connection manager may close the connection")
	}
	if err := k.Connect(t.Context(), infoOf(b)); err != nil { // again, which changes nothing
		t.Error(err)
	}
	if err := b.Network().ClosePeer(a.ID()); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it is dialed again", func() bool { return k.Histories()[b.ID()].Connected && connected(a, b) })

	conns, added, err := k.Disconnect(b.ID(), time.Hour)
	if err != nil || !added || conns < 1 {
		t.Errorf("%d connections, added: %v, %v", conns, added, err)
	}
	if k.IsAdded(b.ID()) || len(k.Dials()) > 0 || a.ConnManager().IsProtected(b.ID(), addedTag) {
		t.Errorf("the peer is not forgotten: %+v", k.Dials())
	}
	nodetest.Eventually(t, "both are apart", func() bool { return !connected(a, b) && !connected(b, a) })
	if err := a.Connect(t.Context(), infoOf(b)); err == nil {
		t.Error("the node dials a peer that it has parted from")
	}
	if err := connect(t, b).Connect(t.Context(), infoOf(a)); !errors.Is(err, ErrEndedAtOnce) {
		t.Errorf("the node accepts a peer that it has parted from: %v", err)
	}
	if err := k.Connect(t.Context(), infoOf(b)); err != nil || !connected(a, b) {
		t.Errorf("added again: %v", err)
	}
}

// TestConnectWhilePinged holds that a peer can be added that is being pinged as often as libp2p
// allows. Before, it was said to have ended the connection.
func TestConnectWhilePinged(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	if err := a.Connect(t.Context(), infoOf(b)); err != nil {
		t.Fatal(err)
	}
	speak(t, a, b)
	var streams []network.Stream
	for {
		s, err := a.NewStream(t.Context(), b.ID(), ping.ID)
		if err != nil {
			break
		}
		streams = append(streams, s)
	}
	time.AfterFunc(3*pingAgain, func() {
		for _, s := range streams {
			_ = s.Reset()
		}
	})
	if err := connect(t, a).Connect(t.Context(), infoOf(b)); err != nil {
		t.Errorf("with %d pings under way: %v", len(streams), err)
	}
}

// TestConnectFails has every kind of peer that cannot be added. None is kept.
func TestConnectFails(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, banned, other := newHost(t, n), newHost(t, n), newHost(t, nodetest.NewNetwork(t, 0))
	full := nodetest.NewLibp2p(t)
	full.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) { _ = c.Close() }})
	a.Ban(banned.ID(), time.Hour)
	k := connect(t, a)
	gone := peer.AddrInfo{ID: "gone", Addrs: infoOf(other).Addrs}
	for name, c := range map[string]struct {
		at   peer.AddrInfo
		want string
	}{
		"banned":        {infoOf(banned), "it broke the protocol and is banned for another "},
		"other network": {infoOf(other), ErrOtherNetwork.Error()},
		"full":          {peer.AddrInfo{ID: full.ID(), Addrs: full.Addrs()}, ErrEndedAtOnce.Error()},
		"not there":     {peer.AddrInfo{ID: banned.ID(), Addrs: infoOf(other).Addrs}, "banned"},
		"nobody's ID":   {gone, "peer id mismatch"},
	} {
		err := k.Connect(t.Context(), c.at)
		if err == nil || !strings.Contains(DialProblem(err), c.want) || strings.Contains(DialProblem(err), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(k.Added()) > 0 || len(k.Dials()) > 0 {
		t.Errorf("kept: %v, %v", k.Added(), k.Dials())
	}
	nodetest.Eventually(t, "the other network's node is let go", func() bool { return !connected(a, other) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Connect(ctx, infoOf(other)); !errors.Is(err, context.Canceled) {
		t.Errorf("of a client that is gone: %v", err)
	}
	for i := range MaxAdded {
		if err := k.do(func() { k.keep(peer.AddrInfo{ID: peer.ID(rune('A' + i))}) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Connect(t.Context(), infoOf(other)); !errors.Is(err, ErrTooManyAdded) {
		t.Errorf("one more than %d: %v", MaxAdded, err)
	}
}

// TestPartFromSeed checks that a seed stays a seed. It is dialed again when it is not refused any
// more, and the report says why it is not connected.
func TestPartFromSeed(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	k := connect(t, a, Addresses(b)[0])
	nodetest.Eventually(t, "the seed is connected", func() bool { return connected(a, b) })
	if _, added, err := k.Disconnect(b.ID(), time.Hour); err != nil || added {
		t.Errorf("added: %v, %v", added, err)
	}
	nodetest.Eventually(t, "the report says why", func() bool { return strings.Contains(k.Histories()[b.ID()].Problem, "by hand") })
	if len(a.Peerstore().Addrs(b.ID())) == 0 {
		t.Error("the seed's addresses are forgotten")
	}
	a.refused.lift(b.ID())
	nodetest.Eventually(t, "the seed is dialed again", func() bool { return connected(a, b) })
}

// TestAddedAtStart has a connector begin with a peer that was added by hand before.
func TestAddedAtStart(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	k, err := NewConnector(a, nil, []peer.AddrInfo{infoOf(b)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	nodetest.Eventually(t, "it is connected", func() bool { return connected(a, b) })
	cancel()
	<-ended
	if err := k.Connect(t.Context(), infoOf(b)); !errors.Is(err, ErrConnectorEnded) {
		t.Errorf("of a connector that has ended: %v", err)
	}
	if _, _, err := k.Disconnect(b.ID(), time.Minute); !errors.Is(err, ErrConnectorEnded) {
		t.Errorf("of a connector that has ended: %v", err)
	}
}

func TestParsePeer(t *testing.T) {
	const id, other = "/p2p/12D3KooWBggBgSzANkCnhmnDiZjVSU3UxatjabWkkjE4fazbUVTm", "/p2p/12D3KooWEtnGpDs6PwHUxg1Ykkj5skDAFt3yJgmFvZKZzcbS5eQz"
	self, err := peer.Decode(strings.TrimPrefix(other, "/p2p/"))
	if err != nil {
		self = "self"
	}
	local := "/ip4/127.0.0.1/tcp/1"
	at, err := ParsePeer([]string{local + id, " /ip4/127.0.0.1/tcp/2" + id + "\n"}, self, ProfileLocal)
	if err != nil || len(at.Addrs) != 2 || "/p2p/"+at.ID.String() != id {
		t.Errorf("%v, %v", at, err)
	}
	for _, list := range [][]string{{""}, {"127.0.0.1:1"}, {local}, {id}, {local + "/p2p/x"}, {"/ip4/192.0.2.1/tcp/1" + id}, {local + id, local + "/p2p/" + self.String()}} {
		if at, err := ParsePeer(list, self, ProfileLocal); err == nil {
			t.Errorf("%q: %v", list, at)
		}
	}
}

// TestRefusedAddresses checks that the addresses of a peer that was parted from are forgotten in
// time.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	k := connect(t, a)
	if err := k.Connect(t.Context(), infoOf(b)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Disconnect(b.ID(), time.Minute); err != nil {
		t.Fatal(err)
	}
	a.Peerstore().UpdateAddrs(b.ID(), peerstore.TempAddrTTL, 0)
	a.Peerstore().UpdateAddrs(b.ID(), peerstore.RecentlyConnectedAddrTTL, 0)
	a.Peerstore().UpdateAddrs(b.ID(), peerstore.ConnectedAddrTTL, 0)
	if left := a.Peerstore().Addrs(b.ID()); len(left) > 0 {
		t.Errorf("kept without limit: %v", left)
	}
}
