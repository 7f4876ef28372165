package simulation

import (
	"slices"
	"testing"
)

// TestNetwork checks the simulation itself: what is written anywhere is everywhere in the end,
// whatever the order, the clocks and the cuts on the way.
func TestNetwork(t *testing.T) {
	s := newSim(t, 5, nil)
	s.nodes[1].skew, s.nodes[2].skew = 90_000, -90_000
	s.load(round/10, s.now+20*round, s.nodes, s.plain)
	s.run(5 * round)
	s.partition(3)
	s.run(10 * round)
	a, b := s.nodes[0].stats(), s.nodes[4].stats()
	if a.Attached < 70 || b.Attached < 70 || len(s.sent) < 145 {
		t.Fatalf("%d and %d attached of %d", a.Attached, b.Attached, len(s.sent))
	}
	s.heal(false)
	s.run(10 * round)
	s.settle()
	for i, n := range s.nodes {
		if stats := n.stats(); stats.Attached != uint64(len(s.sent)+2) || stats.Pending > 0 {
			t.Errorf("node %d: %d attached, %d pending of %d", i, stats.Attached, stats.Pending, len(s.sent))
		}
		if !slices.Equal(sorted(n.tips()), sorted(s.nodes[0].tips())) {
			t.Errorf("node %d has other tips than node 0", i)
		}
	}
}
