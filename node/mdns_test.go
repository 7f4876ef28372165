package node

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestServiceName(t *testing.T) {
	a, b := serviceName(newNetwork(t, 0)), serviceName(newNetwork(t, 0))
	if !regexp.MustCompile(`^_lf-[0-9a-f]{8}\._udp$`).MatchString(a) || a == b {
		t.Errorf("two networks are called %q and %q", a, b)
	}
}

// What multicast brings is tried out in network namespaces; here is what is done with it.
func TestNeighbors(t *testing.T) {
	net := newNetwork(t, 0)
	a, b := start(t, config(t, net)), start(t, config(t, net))
	n := &neighbors{host: a.host, allow: ProfileLocal.dialableInfo, log: slog.New(slog.DiscardHandler), found: make(chan peer.AddrInfo, neighborQueue)}
	for range 10 * neighborQueue { // nobody dials: it must not block
		n.HandlePeerFound(peer.AddrInfo{ID: "x"})
	}
	if len(n.found) != neighborQueue {
		t.Errorf("%d wait", len(n.found))
	}
	n.connect(t.Context(), peer.AddrInfo{ID: b.PeerID()})
	n.connect(t.Context(), peer.AddrInfo{ID: a.PeerID(), Addrs: a.host.Addrs()})
	n.connect(t.Context(), peer.AddrInfo{ID: "x", Addrs: b.host.Addrs()})
	if peers := a.host.Network().Peers(); len(peers) > 0 {
		t.Errorf("connected to %v", peers)
	}
	n.connect(t.Context(), peer.AddrInfo{ID: b.PeerID(), Addrs: b.host.Addrs()})
	if a.host.Network().Connectedness(b.PeerID()) != network.Connected {
		t.Error("a neighbor is not dialed")
	}
}

// TestCurrentHost holds that a node announces its own ID, and hears of what others announce under
// it.
func TestCurrentHost(t *testing.T) {
	n := start(t, config(t, newNetwork(t, 0)))
	h := &currentHost{Host: n.host}
	if h.ID() != n.PeerID() {
		t.Error("another ID would be announced")
	}
	h.announced.Store(true)
	if h.ID() == n.PeerID() {
		t.Error("libp2p's service would leave out a node with the same identity")
	}
}
