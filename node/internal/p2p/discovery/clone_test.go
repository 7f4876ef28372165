package discovery

import (
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
)

// TestCloneOffered holds that each way of discovery passes on what is offered for the node's own
// ID.
func TestCloneOffered(t *testing.T) {
	t.Parallel()
	n, key, log := nodetest.NewNetwork(t, 0), newKey(t), testlog.New(t, slog.LevelInfo)
	detector := func(t *testing.T, h *p2p.Host) *clone.Detector {
		d := clone.New(clone.Config{Network: n, Host: h, Key: key, Stranger: h.NewStranger, Logger: log, Violation: func(p peer.ID, err error) { t.Errorf("%s: %v", p, err) }})
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		return d
	}
	a := newHostOf(t, key, n, p2p.ProfileLocal)
	detector(t, a)
	at := peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}
	for name, offer := range map[string]func(Config){
		"peer exchange": func(c Config) {
			if err := NewPeerExchangeHost(c).Connect(t.Context(), at); err == nil {
				t.Error("a node connected to itself")
			}
		},
		"multicast DNS": func(c Config) { NewNeighbors(c).connect(t.Context(), at) },
		"DHT": func(c Config) {
			found := make(chan peer.AddrInfo, 1)
			found <- at
			close(found)
			base, err := newProviderDiscovery(&c)
			if err != nil {
				t.Fatal(err)
			}
			base.dialAll(t.Context(), found, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newHostOf(t, key, n, p2p.ProfileLocal)
			d := detector(t, b)
			offer(Config{Network: n, Host: b, Clone: d, Logger: log})
			nodetest.Eventually(t, "the other node is seen", func() bool { _, found := d.Sighting(); return found })
		})
	}
}
