package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

// manyNodes is how many nodes the large networks have: what takes a CI machine of two cores about a
// minute.
func manyNodes() int {
	switch {
	case *flagNodes > 0:
		return *flagNodes
	case testing.Short():
		return 20
	case raceDetector:
		return 25
	}
	return 100
}

// unlessRace returns a size for tests, and a smaller one where the race detector makes everything
// take ten times as long.
func unlessRace(size, underRace int) int {
	if raceDetector {
		return underRace
	}
	return size
}

// A hundred nodes, of which anybody writes, soon have the same records.
func TestManyNodesConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(manyNodes(), 8, *flagSeed)))
		w.start()
		w.settle()
		const records = 50
		w.writes(w.nodes, records, 200, 200*time.Millisecond)
		w.agree(2 * time.Minute)
		each, last := w.journal.spread(0)
		t.Logf("%d nodes: a record is on a node after %v (median) or %v (99 %%), on the last after %v", manyNodes(),
			each.at(50), each.at(99), last.at(99))
		if want := records * (manyNodes() - 1); len(each) != want {
			t.Errorf("%d arrivals, want %d", len(each), want)
		}
		if each.at(99) > time.Second {
			t.Errorf("99 %% of arrivals took up to %v, want at most 1 s", each.at(99))
		}
	})
}

// Bursts from all sides at once: half the nodes write at the same moment, again and again, and
// records come before their ancestors.
func TestBurstsConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(unlessRace(20, 12), 6, *flagSeed)))
		w.start()
		w.settle()
		for range unlessRace(10, 5) {
			for _, n := range w.nodes[:len(w.nodes)/2] {
				n.write(100)
			}
			time.Sleep(20 * time.Millisecond)
		}
		w.agree(time.Minute)
	})
}

// On a line each record passes through all nodes; in a star all pass through one.
func TestSparseTopologies(t *testing.T) {
	for name, shape := range map[string]topology{"line": line(10), "star": star(12)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ordinary(shape))
				w.start()
				w.settle()
				w.writes(w.nodes, 20, 200, 200*time.Millisecond)
				w.agree(2 * time.Minute)
			})
		})
	}
}

// Writing begins before anybody is connected, and nobody waits for a mesh.
func TestWritesWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(16, 6, *flagSeed)))
		for _, n := range w.nodes {
			if err := n.open(); err != nil {
				t.Fatal(err)
			}
			n.write(200)
			time.Sleep(10 * time.Millisecond)
		}
		w.agree(2 * time.Minute)
	})
}

// A wire that loses every tenth datagram costs time and no records.
func TestDatagramsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ordinary(random(16, 6, *flagSeed))
		c.loss = 0.1
		w := newWorld(t, c)
		w.start()
		w.settle()
		w.writes(w.nodes, 30, 500, 200*time.Millisecond)
		w.agree(5 * time.Minute)
	})
}

// Gossip that is lost is made up for by comparing sets: on nodes that lose half of it, and on one
// that hears none.
func TestGossipLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ordinary(random(16, 6, *flagSeed))
		c.gossip = func(node int) float64 {
			if node == 3 {
				return 1
			}
			return 0.5
		}
		w := newWorld(t, c)
		w.start()
		w.settle()
		before := w.used(usage{})
		w.writes(w.nodes, 40, 200, 500*time.Millisecond)
		w.agree(15 * time.Minute)
		_, last := w.journal.spread(0)
		t.Logf("to the last node: median %v, at most %v; %v", last.at(50), last.at(100), w.used(before))
		if w.nodes[3].gossip.delivered.Load() > w.nodes[3].ownRecords() {
			t.Error("the deaf node heard something")
		}
	})
}
