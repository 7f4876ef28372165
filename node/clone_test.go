package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/p2p/discovery"
)

// copied is a configuration of a node in a copy of another one's home, which has its identity.
func copied(t *testing.T, of Config) Config {
	t.Helper()
	c := config(t, of.Network)
	key, err := os.ReadFile(filepath.Join(of.Home.Dir(), "identity.pem"))
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Home.Dir(), "identity.pem"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// identityFinding is what the doctor says of the node's identity, nil for nothing.
func identityFinding(t *testing.T, n *Node) *api.Finding {
	t.Helper()
	c, err := n.Service().Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		if f.Area == "identity" {
			return &f
		}
	}
	return nil
}

// wantClone waits until the doctor and the log say that another node has this one's identity.
func wantClone(t *testing.T, n *Node, log *testlog.Lines) {
	t.Helper()
	eventually(t, "the doctor fails for the clone", func() bool {
		f := identityFinding(t, n)
		return f != nil && f.State == api.FindingFailure && strings.Contains(f.Advice, "identity.pem")
	})
	if log.Count("another running node has this node's identity") == 0 {
		t.Error("the log says nothing of the clone")
	}
}

// TestCloneAsSeed starts a copied home with the address of the first as its seed. Both nodes must
// say so.
func TestCloneAsSeed(t *testing.T) {
	t.Parallel()
	var logA, logB testlog.Lines
	c := config(t, newNetwork(t, 0), logTo(&logA))
	a := start(t, c)
	if f := identityFinding(t, a); f != nil {
		t.Errorf("alone: %q", f.Text)
	}
	cb := copied(t, c)
	cb.Logger = logB.Logger()
	seeds(a)(&cb)
	b := start(t, cb)
	if a.PeerID() != b.PeerID() {
		t.Fatal("the copy has another identity")
	}
	wantClone(t, b, &logB)
	wantClone(t, a, &logA)
}

// TestCloneInDHT starts two nodes with one identity that share a seed and know nothing of each
// other.
func TestCloneInDHT(t *testing.T) {
	t.Parallel()
	var logA, logB testlog.Lines
	net := newNetwork(t, 0)
	hub := start(t, config(t, net))
	c := config(t, net, logTo(&logA), seeds(hub))
	a := start(t, c)
	cb := copied(t, c)
	cb.Logger = logB.Logger()
	seeds(hub)(&cb)
	b := start(t, cb)
	wantClone(t, a, &logA)
	wantClone(t, b, &logB)
	if f := identityFinding(t, hub); f != nil {
		t.Errorf("the seed has no clone: %q", f.Text)
	}
}

// TestCloneOffered holds that peer exchange passes on what is offered for the node's own ID.
func TestCloneOffered(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0))
	a := start(t, c)
	at := peer.AddrInfo{ID: a.PeerID(), Addrs: a.host.Addrs()}
	for name, offer := range map[string]func(*Node){
		"peer exchange": func(b *Node) {
			if err := discovery.NewPeerExchangeHost(discovery.Config{Network: b.config.Network, Host: b.host, Clone: b.peering.Clone, Logger: b.config.Logger}).Connect(t.Context(), at); err == nil {
				t.Error("a node connected to itself")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log testlog.Lines
			cb := copied(t, c)
			cb.Logger = log.Logger()
			b := start(t, cb)
			offer(b)
			wantClone(t, b, &log)
		})
	}
}

// TestOwnSeed holds that a network's seed is not alarmed by its own address in the network's list.
func TestOwnSeed(t *testing.T) { // not in parallel: it takes its port a second time
	c := config(t, newNetwork(t, 0))
	n := start(t, c)
	own := n.Addresses()
	stop(t, n)
	c.Seeds, c.Listen = own, []string{strings.Split(own[0], "/p2p/")[0]}
	n = start(t, c)
	n.peering.Clone.Offer(clone.Seeds, n.host.Addrs())
	if f := identityFinding(t, n); f != nil {
		t.Errorf("its own address: %q", f.Text)
	}
	if _, err := p2p.OwnSeeds([]string{"nonsense"}, n.PeerID(), ProfileLocal); err == nil {
		t.Error("a seed that is none passes")
	}
	if at, err := p2p.OwnSeeds([]string{"/ip4/192.0.2.1/tcp/1/p2p/" + n.PeerID().String()}, n.PeerID(), ProfileLocal); err != nil || len(at) > 0 {
		t.Errorf("profile local would dial %v (%v)", at, err)
	}
}
