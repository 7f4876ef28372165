package node

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestRoaming has a node move: its connections hang. It finds that out and comes back. Its peer
// then ends its own old connection, which hangs, too. Both read what the other writes.
func TestRoaming(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	r := nodetest.NewRoad(t, a.Addresses()[0])
	b := start(t, config(t, n, func(c *Config) { c.Seeds = []string{r.Address(a.PeerID())} }))
	wantPeers(t, b, 1)
	set(t, b.Service(), "before", "moving")
	wantRead(t, a.Service(), "before", "moving")
	oldA, oldB := a.host.Network().ConnsToPeer(b.PeerID()), b.host.Network().ConnsToPeer(a.PeerID())
	r.Freeze()
	begin := time.Now()
	b.host.ProbeConns()
	eventually(t, "the old connections are gone, on both sides", func() bool {
		return !slices.ContainsFunc(append(oldA, oldB...), func(c network.Conn) bool { return !c.IsClosed() })
	})
	eventually(t, "another connection", func() bool { return connected(a, b) && connected(b, a) })
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("back after %s", took)
	}
	set(t, b.Service(), "after", "moving#1")
	wantRead(t, a.Service(), "after", "moving#1")
	set(t, a.Service(), "answer", "moving#2")
	wantRead(t, b.Service(), "answer", "moving#2")
}
