package lfsync

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// A fault is enough; a nuisance is borne for a while; who comes back and goes on is refused for longer.
func TestConduct(t *testing.T) {
	var dropped []time.Duration
	c := newConduct(func(_ peer.ID, d time.Duration) { dropped = append(dropped, d) })
	want := func(d ...time.Duration) {
		t.Helper()
		if !slices.Equal(dropped, d) {
			t.Fatalf("dropped for %v, want %v", dropped, d)
		}
	}
	for range nuisanceBurst {
		c.bother("pest", nuisanceStream)
	}
	want()
	c.bother("pest", nuisanceStream)
	want(nuisancePause)
	c.bother("pest", nuisanceStream) // it has its patience back, and a record
	want(nuisancePause)
	for range nuisanceBurst / nuisanceDenial {
		c.bother("pest", nuisanceDenial)
	}
	want(nuisancePause, 2*nuisancePause)

	dropped = nil
	c.reject("babbler")
	c.reject("babbler")
	want()
	c.reject("babbler")
	want(faultPause)

	dropped = nil
	for range 5 {
		c.fault("liar")
	}
	want(faultPause, 2*faultPause, 4*faultPause, dropMost, dropMost)
}

// Whoever lists a record and denies it when it is fetched is dropped in the end, and not for denying what others listed.
func TestDenial(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	drops := make(chan peer.ID, 10)
	n.conduct = newConduct(func(p peer.ID, _ time.Duration) { drops <- p })
	liar := w.responder(t, func(s network.Stream, _ fetchRequest) { _, _ = writeItem(s, nil) })
	honest := w.responder(t, func(s network.Stream, _ fetchRequest) { _, _ = writeItem(s, nil) })
	connect(t, n.host, liar)
	connect(t, n.host, honest)
	eventually(t, "both are known", func() bool { return n.Status().Peers == 2 })
	n.comparer.plan(func(*agenda) { // neither speaks reconcile
		n.comparer.ledger.peerUp(liar.ID())
		n.comparer.ledger.peerUp(honest.ID())
	})
	for range nuisanceBurst/nuisanceDenial + 1 {
		id := w.record(t).ID()
		n.comparer.plan(func(*agenda) { n.comparer.ledger.list(liar.ID(), []protocol.ID{id}) })
		n.step(func(m *scheduler) { m.want([]protocol.ID{id}, liar.ID(), 0, 0) })
		eventually(t, "both have denied it", func() bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			v := n.scheduler.wanted[id]
			return v != nil && v.parked
		})
	}
	if p := receive(t, "somebody is dropped", drops); p != liar.ID() {
		t.Error("the wrong one was dropped")
	}
	if len(drops) > 0 {
		t.Error("more than one was dropped")
	}
}

// Streams beyond a peer's share cost it the connection.
func TestFloodIsDropped(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.timeouts.item = time.Minute
	drops := make(chan peer.ID, 10)
	n.conduct = newConduct(func(p peer.ID, _ time.Duration) {
		drops <- p
		_ = n.host.Network().ClosePeer(p)
	})
	h := newHost(t)
	connect(t, h, n.host)
	for i := range 10 * (maxServed + nuisanceBurst) {
		s, err := h.NewStream(network.WithNoDial(t.Context(), "test"), n.host.ID(), fetchProtocol(w.network))
		if err != nil {
			if i < maxServed+nuisanceBurst {
				t.Fatalf("stream %d: %v", i, err)
			}
			break
		}
		_, _ = s.Write([]byte{1})
	}
	if p := receive(t, "it is dropped", drops); p != h.ID() {
		t.Error("the wrong one was dropped")
	}
}

// What only a peer listed that was dropped is forgotten, also where somebody else is being asked for it; what others listed too stays.
func TestShunnedListings(t *testing.T) {
	s := newScheduler(defaultSchedulerLimits())
	s.peerUp("liar")
	s.peerUp("honest")
	made, true1 := protocol.ID{1}, protocol.ID{2}
	s.listed([]protocol.ID{made, true1}, "liar")
	s.listed([]protocol.ID{true1}, "honest")
	s.scheduleAll(t)
	s.shun("liar", time.Minute)
	s.listed([]protocol.ID{{3}}, "liar") // too late
	for id, r := range s.requests {
		if r.peer.id == "honest" {
			s.done(id, answer{lacking: []protocol.ID{made}})
		} else {
			s.done(id, answer{fault: faultFailed})
		}
	}
	if _, ok := s.wanted[true1]; !ok || len(s.wanted) != 1 {
		t.Errorf("wanted: %v", s.wanted)
	}
}

// scheduleAll has all that is ready asked for.
func (s *scheduler) scheduleAll(t *testing.T) {
	t.Helper()
	if s.take(); s.ready > 0 || len(s.requests) == 0 {
		t.Fatalf("%d ready, %d requests", s.ready, len(s.requests))
	}
}
