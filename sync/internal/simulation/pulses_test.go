package simulation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// service is what a node's owner has written and pulses for.
type service struct {
	*node
	record *protocol.Record
	last   uint64 // the second of its last beat
}

func (s *service) claim() lfsync.Claim {
	return lfsync.Claim{Composite: s.record.CompositeID(), Owner: s.record.Owner}
}

// beat pulses at the node of the service.
func (s *service) beat() {
	t := s.world.t
	t.Helper()
	s.last = uint64(s.now().Unix())
	done, err := s.sync.Pulse(t.Context(), s.world.network.NewPulse(s.record.ID(), s.last, s.owner))
	if err != nil || done.Verdict != lfsync.PulseAccepted {
		t.Fatalf("a beat is %s: %v", done.Verdict, err)
	}
}

// known is the second of the newest pulse that a node knows, 0 for none.
func (s *service) known(n *node) uint64 {
	p, _, _ := n.sync.NewestPulse(context.Background(), s.claim())
	return p.Second
}

// isAlive reports whether a node takes the service for alive, with this age.
func (s *service) isAlive(n *node, age time.Duration) bool {
	known := s.known(n)
	return known > 0 && n.now().Unix()-int64(known) <= int64(age.Seconds())
}

// wantSeen wants the last beat to be known at all of these nodes in time.
func (s *service) wantSeen(atMost time.Duration, nodes ...*node) {
	t := s.world.t
	t.Helper()
	began := time.Now()
	for _, n := range nodes {
		for s.known(n) != s.last {
			if time.Since(began) > atMost {
				t.Fatalf("node %d knows beat %d and not %d after %v", n.index, s.known(n), s.last, atMost)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// newService has a node write a record, which all of these nodes then have.
func (n *node) newService(nodes ...*node) *service {
	s := &service{node: n, record: n.write(50)}
	for _, to := range nodes {
		n.world.await(time.Minute, "the record is everywhere", func() bool {
			_, ok, err := to.store.Record(n.world.t.Context(), s.record.ID())
			return ok && err == nil
		})
	}
	return s
}

// A service beats in a network of ten nodes, whose clocks differ by up to two minutes. One of them
// comes late, one is cut off for a time, one is restarted, and one is behind a relay. A beat is
// seen everywhere within 2 s. Death is seen when the time is over, also after a heal.
func TestPulses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const age = 5 * time.Minute
		c := ordinary(random(10, 4, *flagSeed))
		c.relayed = func(node int) bool { return node == 6 }
		w := newWorld(t, c)
		w.nodes[3].ahead, w.nodes[4].ahead = time.Minute, -time.Minute
		late, restarted, away := w.nodes[9], w.nodes[7], w.nodes[8]
		early := w.nodes[:9]
		w.start(early...)
		w.settle()
		s := w.nodes[0].newService(early...)
		for range 3 {
			s.beat()
			s.wantSeen(2*time.Second, early...)
			time.Sleep(time.Minute)
		}

		// a service behind the relay is seen as fast
		hidden := w.nodes[6].newService(early...)
		hidden.beat()
		hidden.wantSeen(2*time.Second, early...)

		// a restarted node knows what was alive before anybody has told it
		if err := restarted.close(); err != nil {
			t.Fatal(err)
		}
		if err := restarted.open(); err != nil {
			t.Fatal(err)
		}
		if s.known(restarted) != s.last {
			t.Errorf("the restarted node knows beat %d, and not %d", s.known(restarted), s.last)
		}
		w.await(time.Minute, "it is connected", restarted.connected)

		// one that comes late learns what is alive without another beat
		w.start(late)
		s.wantSeen(time.Minute, late)
		w.settle()
		s.beat()
		s.wantSeen(2*time.Second, w.nodes...)

		// one that was cut off has missed beats, and then what comes next
		w.set(func(c *conditions) { c.severed = func(a, b int) bool { return a == away.index || b == away.index } })
		before := s.last
		for range 10 {
			time.Sleep(time.Minute)
			s.beat()
		}
		if s.known(away) != before || s.isAlive(away, age) {
			t.Errorf("the node that is cut off knows beat %d", s.known(away))
		}
		w.set(func(c *conditions) { c.severed = nil })
		s.wantSeen(time.Minute, away)

		// the service dies while one is cut off
		time.Sleep(time.Minute)
		w.set(func(c *conditions) { c.severed = func(a, b int) bool { return a == away.index || b == away.index } })
		time.Sleep(time.Second)
		s.beat()
		s.wantSeen(2*time.Second, w.nodes[:8]...)
		time.Sleep(2 * time.Minute)
		w.set(func(c *conditions) { c.severed = nil })
		s.wantSeen(time.Minute, w.nodes...)
		died := time.Unix(int64(s.last), 0)
		for _, n := range w.nodes {
			if !s.isAlive(n, age) {
				t.Errorf("node %d takes the service for dead too early", n.index)
			}
		}
		time.Sleep(time.Until(died.Add(age + time.Second - time.Minute)))
		if s.isAlive(w.nodes[3], age) {
			t.Error("the node whose clock is a minute ahead takes it for alive")
		}
		// one clock is a minute behind
		time.Sleep(time.Until(died.Add(age + time.Minute + time.Second)))
		for _, n := range w.nodes {
			if s.isAlive(n, age) {
				t.Errorf("node %d takes it for alive for %v", n.index, time.Since(died))
			}
		}
	})
}

// Two halves are cut apart, and a service beats in each, once in hours. After the heal each half
// knows the other's beat, although neither service beats again. A node that lost no link asks its
// peers in its turn.
func TestPulsesHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(8, 4, *flagSeed)))
		w.start()
		w.settle()
		left, right := w.nodes[0].newService(w.nodes...), w.nodes[7].newService(w.nodes...)
		w.set(func(c *conditions) { c.severed = halves(4) })
		time.Sleep(time.Minute)
		left.beat()
		left.wantSeen(2*time.Second, w.nodes[:4]...)
		right.beat()
		right.wantSeen(2*time.Second, w.nodes[4:]...)
		time.Sleep(3 * time.Hour)
		w.set(func(c *conditions) { c.severed = nil })
		began := time.Now()
		left.wantSeen(20*time.Minute, w.nodes...)
		right.wantSeen(20*time.Minute, w.nodes...)
		t.Logf("healed after %v", time.Since(began))
	})
}
