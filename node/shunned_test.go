package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// TestShunned drops a peer: its connection ends, it cannot come back, nor is it dialed, until its
// time is over.
func TestShunned(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 0)
	a := start(t, config(t, net))
	b := start(t, config(t, net, seeds(a)))
	wantPeers(t, b, 1)
	a.shunned.add(a.host.Network(), b.PeerID(), 3*time.Second)
	eventually(t, "the connection ends", func() bool { return !linked(a, b) })
	for range 10 {
		time.Sleep(100 * time.Millisecond) // b dials its seed again and again
		_ = b.host.Connect(t.Context(), peer.AddrInfo{ID: a.PeerID(), Addrs: a.host.Addrs()})
		if a.host.Connect(t.Context(), peer.AddrInfo{ID: b.PeerID(), Addrs: b.host.Addrs()}) == nil || linked(a, b) {
			t.Fatal("who was dropped is back")
		}
	}
	eventually(t, "its time is over", func() bool { return linked(a, b) })
}

func linked(a, b *Node) bool { return a.host.Network().Connectedness(b.PeerID()) == network.Connected }

// TestShunnedIsBounded has more peers misbehave than are remembered: those are forgotten that would
// have been first.
func TestShunnedIsBounded(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	s := new(shunned)
	for i := range maxShunned + 10 {
		s.add(n.host.Network(), peer.ID(fmt.Sprint(i)), time.Hour+time.Duration(i)*time.Second)
	}
	if len(s.until) != maxShunned || s.allow(peer.ID(fmt.Sprint(maxShunned+9))) || !s.allow(peer.ID("0")) {
		t.Errorf("%d are remembered, the first: %v, the last: %v", len(s.until), !s.allow("0"), !s.allow(peer.ID(fmt.Sprint(maxShunned+9))))
	}
	f := s.facts(time.Now())
	if f.Count != maxShunned || len(f.Peers) != listShunned || f.Peers[0].Peer != peer.ID(fmt.Sprint(maxShunned+9)).String() || f.Peers[1].Until >= f.Peers[0].Until {
		t.Errorf("%d are counted, %d named: %+v", f.Count, len(f.Peers), f.Peers)
	}
	if f := s.facts(time.Now().Add(24 * time.Hour)); f.Count != 0 || f.Peers == nil {
		t.Errorf("when their time is over: %+v", f)
	}
}
