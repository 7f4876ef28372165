package simulation

import (
	"fmt"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// drift is the clocks' where a partition is to last longer than it.
func drift(p *protocol.Params) { p.ClockDrift = 3 * round }

// TestSquattingDuringAPartition: two people claim one name, each on its own side, and both sides go
// on writing. After the heal every node gives the same answer by the default policy: the claim of
// the side that did more work since. By local each node stands by what it saw first, and one that
// joins later has seen nothing first.
func TestSquattingDuringAPartition(t *testing.T) {
	for _, parentsFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("parents first %v", parentsFirst), func(t *testing.T) {
			if parentsFirst && small() {
				t.Skip("the other order shows more")
			}
			s := newSim(t, 7, drift)
			owner, squatter := s.person("owner"), s.person("squatter")
			large, small := s.nodes[:4], s.nodes[4:]
			s.busy(10, 3)
			s.run(3 * round)
			s.settle()
			s.partition(4)
			s.busy(10, 20, large...)
			s.busy(5, 20, small...)
			s.run(round)
			squat := small[0].claims(squatter, "name", ordinary)
			s.run(2 * round)
			first := large[0].claims(owner, "name", ordinary)
			s.run(17 * round)
			s.mustWin(question{name: "name"}, owner, large...)
			s.mustWin(question{name: "name"}, squatter, small...)

			s.heal(parentsFirst)
			s.busy(10, 20)
			newcomer := s.join()
			for _, r := range s.nodes[0].order {
				newcomer.receive(r)
			}
			for range 4 {
				s.run(6 * round)
				s.mustWin(question{name: "name"}, owner)
				s.mustWin(question{name: "name", policy: "weight"}, owner)
				s.mustWin(question{name: "name", policy: "local"}, owner, large...)
				s.mustWin(question{name: "name", policy: "local"}, squatter, small...)
			}
			s.settle()
			for i, n := range s.nodes {
				if stats := n.stats(); stats.Attached != uint64(len(s.sent)+2) || stats.Pending > 0 {
					t.Errorf("node %d has attached %d of %d", i, stats.Attached, len(s.sent))
				}
				if a := n.ask(question{name: "name"}); a.Claims[0].Standing.Weight != s.nodes[0].weight(first) || a.Claims[1].Standing.Weight != s.nodes[0].weight(squat) {
					t.Errorf("node %d weighs otherwise than node 0\n%s", i, s.explain(a))
				}
			}
			s.nodes[5].mustWeigh(first, squat)
			a := newcomer.ask(question{name: "name", policy: "local"})
			if !a.Claims[0].Standing.First || !a.Claims[1].Standing.First {
				t.Errorf("who came later holds something for first\n%s", s.explain(a))
			}
			for i, n := range s.nodes { // a restart changes nothing of what was seen first
				before := s.explain(n.ask(question{name: "name", policy: "local"}))
				n.restart()
				if after := s.explain(n.ask(question{name: "name", policy: "local"})); after != before {
					t.Errorf("node %d, before and after a restart:\n%s%s", i, before, after)
				}
			}
		})
	}
}

// TestLimitSquattersSideIsLarger is what no policy without names defends: by weight the claim of
// the side with more work wins, though it be younger.
func TestLimitSquattersSideIsLarger(t *testing.T) {
	s := newSim(t, 5, drift)
	owner, squatter := s.person("owner"), s.person("squatter")
	s.busy(10, 3)
	s.run(3 * round)
	s.settle()
	s.partition(2)
	s.busy(3, 20, s.nodes[:2]...)
	s.busy(9, 20, s.nodes[2:]...)
	s.nodes[0].claims(owner, "name", ordinary)
	s.run(4 * round)
	s.nodes[3].claims(squatter, "name", ordinary)
	s.run(16 * round)
	s.heal(true)
	s.busy(10, 10)
	s.run(12 * round)
	s.mustWin(question{name: "name"}, squatter)
	s.mustWin(question{name: "name", policy: "local"}, owner, s.nodes[:2]...)
	s.mustWin(question{name: "name", policy: "local"}, squatter, s.nodes[2:]...)
}
