package p2p

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestBans drops a peer. Its connection ends, it cannot come back, nor is it dialed, until the ban
// is over.
func TestBans(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	connect(t, b, Addresses(a)...)
	speak(t, a, b)
	a.Ban(b.ID(), time.Hour)
	nodetest.Eventually(t, "the connection ends", func() bool { return !connected(a, b) })
	for range 10 {
		_ = b.Connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()})
		if a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}) == nil || connected(a, b) {
			t.Fatal("who was dropped is back")
		}
	}
	a.bans.lift(b.ID())
	nodetest.Eventually(t, "it can be dialed again", func() bool {
		return a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}) == nil
	})
}

// TestBanEnds holds that a ban ends by itself, and that a shorter one does not end it earlier.
func TestBanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(bans)
		s.refuse("p", time.Now().Add(15*time.Second))
		s.refuse("p", time.Now().Add(time.Second))
		time.Sleep(15*time.Second - 1)
		if s.allow("p") || !s.allow("q") {
			t.Error("the ban ended too early, or is another peer's")
		}
		time.Sleep(time.Nanosecond)
		if !s.allow("p") {
			t.Error("the ban is over")
		}
	})
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
