package discovery

import (
	"log/slog"
	"regexp"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

func TestServiceName(t *testing.T) {
	a, b := serviceName(nodetest.NewNetwork(t, 0)), serviceName(nodetest.NewNetwork(t, 0))
	if !regexp.MustCompile(`^_lf-[0-9a-f]{8}\._udp$`).MatchString(a) || a == b {
		t.Errorf("two networks are called %q and %q", a, b)
	}
}

// What multicast brings is tried out in network namespaces; here is what is done with it.
func TestNeighbors(t *testing.T) {
	t.Parallel()
	a, b := newLocalHost(t), newLocalHost(t)
	n := NewNeighbors(Config{Network: nodetest.NewNetwork(t, 0), Host: a, Logger: slog.New(slog.DiscardHandler)})
	for range 10 * neighborQueue { // nobody dials: it must not block
		n.HandlePeerFound(peer.AddrInfo{ID: "x"})
	}
	if len(n.found) != neighborQueue {
		t.Errorf("%d wait", len(n.found))
	}
	n.connect(t.Context(), peer.AddrInfo{ID: b.ID()})
	n.connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()})
	n.connect(t.Context(), peer.AddrInfo{ID: "x", Addrs: b.Addrs()})
	if peers := a.Network().Peers(); len(peers) > 0 {
		t.Errorf("connected to %v", peers)
	}
	n.connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()})
	if a.Network().Connectedness(b.ID()) != network.Connected {
		t.Error("a neighbor is not dialed")
	}
}

// TestCurrentHost holds that a node announces its own ID, and hears of what others announce under
// it.
func TestCurrentHost(t *testing.T) {
	t.Parallel()
	n := newLocalHost(t)
	h := &currentHost{Host: n}
	if h.ID() != n.ID() {
		t.Error("another ID would be announced")
	}
	h.announced.Store(true)
	if h.ID() == n.ID() {
		t.Error("libp2p's service would leave out a node with the same identity")
	}
}
