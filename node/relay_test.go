package node

import (
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/lf-store/lf/node/api"
)

// relayedNode is a node that is reached through a relay only, a peer that has it as its seed, and
// the relay. That one is on another network and only passes bytes on.
type relayedNode struct{ relay, far, near *Node }

func startRelayed(t *testing.T) relayedNode {
	t.Helper()
	relay := start(t, config(t, newNetwork(t, 0), inTestbed(&Testbed{RelayService: true})))
	n := newNetwork(t, 0)
	far := start(t, config(t, n, inTestbed(&Testbed{RelayOnly: relay.Addresses()})))
	near := start(t, config(t, n, inTestbed(&Testbed{}), seeds(far)))
	return relayedNode{relay, far, near}
}

// limited reports whether two nodes have a connection, and all they have are through a relay.
func limited(a, b *Node) bool {
	conns := a.host.Network().ConnsToPeer(b.PeerID())
	return len(conns) > 0 && !slices.ContainsFunc(conns, func(c network.Conn) bool { return !c.Stat().Limited })
}

// TestRelayOnly holds that such a node is announced and reached through its relay, and in no other
// way.
func TestRelayOnly(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	if at := r.far.Addresses(); len(at) != 1 || !strings.Contains(at[0], r.relay.PeerID().String()+"/p2p-circuit/p2p/"+r.far.PeerID().String()) {
		t.Fatalf("addresses %v", at)
	}
	eventually(t, "a relayed connection", func() bool { return limited(r.near, r.far) && limited(r.far, r.near) })
	wantPeers(t, r.near, 1)
	peers, err := api.AllPeers(t.Context(), r.near.Service())
	if err != nil || !slices.ContainsFunc(peers, func(p api.Peer) bool {
		return p.ID == r.far.PeerID().String() && p.Network && p.Limited && p.Path == api.PathRelayed && p.Relay == r.relay.PeerID().String() && p.Transport == api.TransportTCP
	}) {
		t.Errorf("peers %+v, %v", peers, err)
	}
	near := r.near.host.Peerstore().PeerInfo(r.near.PeerID())
	near.Addrs = r.near.host.Addrs()
	if err := r.far.host.Connect(network.WithForceDirectDial(t.Context(), "test"), near); err == nil {
		t.Error("a node that is reached through a relay dialed directly")
	}
	set(t, r.far.Service(), "from afar", "relayed")
	wantRead(t, r.near.Service(), "from afar", "relayed")
}

// TestRelayCuts holds that a node comes back after its relay cut it off, for the bytes that it
// passed, and after the relay was away.
func TestRelayCuts(t *testing.T) {
	t.Parallel()
	relayConfig := config(t, newNetwork(t, 0), inTestbed(&Testbed{RelayService: true}), func(c *Config) {
		c.Listen = []string{"/ip4/127.0.0.1/tcp/" + strconv.Itoa(freePort(t))}
	})
	relay := start(t, relayConfig)
	n := newNetwork(t, 0)
	far := start(t, config(t, n, inTestbed(&Testbed{RelayOnly: relay.Addresses()})))
	near := start(t, config(t, n, inTestbed(&Testbed{}), seeds(far)))
	for range 3 {
		eventually(t, "a relayed connection", func() bool { return limited(near, far) })
		cut := near.host.Network().ConnsToPeer(far.PeerID())[0]
		s, err := near.host.NewStream(network.WithAllowLimitedConn(t.Context(), "test"), far.PeerID(), ping.ID)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, s) }()
		for range 256 {
			if _, err = s.Write(make([]byte, 1<<10)); err != nil {
				break
			}
		}
		begin := time.Now()
		eventually(t, "the relay cuts", cut.IsClosed)
		eventually(t, "another connection", func() bool { return limited(near, far) && limited(far, near) })
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("back only after %s", took)
		}
	}
	stop(t, relay)
	eventually(t, "no connection", func() bool { return !connected(near, far) })
	eventually(t, "the relayed node is dialed in vain", func() bool { return dialedInVain(near, far) })
	start(t, relayConfig)
	begin := time.Now()
	eventually(t, "a connection through the relay that is back", func() bool { return limited(near, far) })
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("back only after %s", took)
	}
}

// TestRelayHangsUp has a relay that accepts connections and ends them: it is not dialed without a
// pause.
func TestRelayHangsUp(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dials := make(chan time.Time, 1000)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			dials <- time.Now()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	at := "/ip4/127.0.0.1/tcp/" + port + "/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"
	start(t, config(t, newNetwork(t, 0), inTestbed(&Testbed{RelayOnly: []string{at}})))
	first, last := <-dials, time.Time{}
	for range 4 {
		last = <-dials
	}
	// The pauses double from 200 ms on, less at most half of each.
	if took := last.Sub(first); took < (100+200+400+800)*time.Millisecond {
		t.Errorf("five dials in %s", took)
	}
}

// agreesWithAll reports whether a node has found that all of its peers have the same records.
func agreesWithAll(t *testing.T, n *Node) bool {
	t.Helper()
	peers, err := api.AllPeers(t.Context(), n.Service())
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(peers, func(p api.Peer) bool { return p.Network && p.AgreedAt == 0 })
}

// TestPushThroughRelay holds that a write is read at the other end of a relayed connection at once,
// both ways, and by the peers of that end. GossipSub leaves such connections alone, and the next
// comparison may be minutes away.
func TestPushThroughRelay(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	behind := start(t, config(t, r.near.config.Network, inTestbed(&Testbed{}), seeds(r.near)))
	eventually(t, "a relayed connection", func() bool { return limited(r.near, r.far) && limited(r.far, r.near) })
	for _, n := range []*Node{r.far, r.near, behind} {
		if _, err := n.Service().Synced(t.Context(), patience); err != nil {
			t.Fatal(err)
		}
	}
	// The next comparisons are 15 s away.
	for _, n := range []*Node{r.far, r.near, behind} {
		eventually(t, "the comparisons on connecting are over", func() bool { return agreesWithAll(t, n) })
	}
	for i, from := range []*Node{r.far, r.near, behind, r.far} {
		begin, name := time.Now(), "pushed "+strconv.Itoa(i)
		set(t, from.Service(), "at once", name)
		written := time.Now()
		for _, n := range []*Node{r.far, r.near, behind} {
			wantRead(t, n.Service(), "at once", name)
		}
		if took := time.Since(written); took > 12*time.Second {
			t.Errorf("write %d was read everywhere only after %s, written in %s", i, took, written.Sub(begin))
		} else {
			t.Logf("write %d was read everywhere after %s", i, took)
		}
	}
}
