package p2p

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestBans drops a peer: its connection ends, it cannot come back, nor is it dialed, until its
// time is over.
func TestBans(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	connect(t, b, Addresses(a)...)
	speak(t, a, b)
	a.Ban(b.ID(), 3*time.Second)
	nodetest.Eventually(t, "the connection ends", func() bool { return !connected(a, b) })
	for range 10 {
		time.Sleep(100 * time.Millisecond) // b dials its seed again and again
		_ = b.Connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()})
		if a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}) == nil || connected(a, b) {
			t.Fatal("who was dropped is back")
		}
	}
	nodetest.Eventually(t, "its time is over", func() bool { return connected(a, b) })
}

// TestBansAreBounded has more peers misbehave than are remembered: those are forgotten that would
// have been first.
func TestBansAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t, nodetest.NewNetwork(t, 0))
	s := new(bans)
	for i := range maxBans + 10 {
		s.add(h.Network(), peer.ID(fmt.Sprint(i)), time.Hour+time.Duration(i)*time.Second)
	}
	if len(s.until) != maxBans || s.allow(peer.ID(fmt.Sprint(maxBans+9))) || !s.allow(peer.ID("0")) {
		t.Errorf("%d are remembered, the first: %v, the last: %v", len(s.until), !s.allow("0"), !s.allow(peer.ID(fmt.Sprint(maxBans+9))))
	}
	f := s.facts(time.Now())
	if f.Count != maxBans || len(f.Peers) != listedBans || f.Peers[0].Peer != peer.ID(fmt.Sprint(maxBans+9)).String() || f.Peers[1].Until >= f.Peers[0].Until {
		t.Errorf("%d are counted, %d named: %+v", f.Count, len(f.Peers), f.Peers)
	}
	if f := s.facts(time.Now().Add(24 * time.Hour)); f.Count != 0 || f.Peers == nil {
		t.Errorf("when their time is over: %+v", f)
	}
}
