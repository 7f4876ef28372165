package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestNamedBySeed has a seed that is full name another node, which is dialed; a stranger's word
// does not count.
func TestNamedBySeed(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 0)
	other := start(t, config(t, net))
	named := nodetest.SignedInfo(t, other.host.Peerstore().PrivKey(other.PeerID()), other.host.Addrs())

	seed := nodetest.NewFullPeer(t, net)
	a := start(t, config(t, net, func(c *Config) {
		c.Seeds = []string{fmt.Sprintf("%s/p2p/%s", seed.Addrs()[0], seed.ID())}
	}))
	b := start(t, config(t, net))
	stranger := nodetest.NewFullPeer(t, net)
	if err := stranger.Connect(t.Context(), peer.AddrInfo{ID: b.PeerID(), Addrs: b.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	stranger.Name(t, named)
	seed.Name(t, named)
	eventually(t, "who was named by a seed is a peer", func() bool { return linked(a, other) })
	time.Sleep(500 * time.Millisecond)
	if linked(b, other) {
		t.Error("who was named by a stranger was dialed")
	}
}
