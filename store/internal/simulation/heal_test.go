package simulation

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestLongPartition heals two sides of 5,000 records each, with writers on both sides from the
// first moment. No record may merge more than protocol.MaxMergeset, so what they link walks the
// lighter side up in steps, until all is one; nothing is lost.
func TestLongPartition(t *testing.T) {
	length := 5000
	if small() {
		length = 1500
	}
	s := newSim(t, 2, nil)
	s.partition(1)
	var all, bottoms []*protocol.Record
	for _, n := range s.nodes {
		history := s.history(n, length)
		n.putAll(history)
		all, bottoms = append(all, history...), append(bottoms, history[0])
	}
	s.heal(true)
	before := len(s.sent)
	const perRound = 5
	merged := uint64(0)
	s.busy(perRound, 40)
	for rounds := uint64(1); rounds <= 40 && merged == 0; rounds++ {
		s.run(round)
		if s.isOne(all) {
			merged = rounds
		}
	}
	s.settle()
	steps := length/protocol.MaxMergeset + 1
	t.Logf("two sides of %d were one after %d rounds of %d writers, %d records; a single writer needs %d", length, merged, perRound, len(s.sent)-before, steps)
	if merged == 0 || merged > uint64(2*steps+4) {
		t.Errorf("two sides of %d records were not one after %d rounds", length, 2*steps+4)
	}
	for i, n := range s.nodes {
		if stats := n.stats(); stats.Attached != uint64(len(s.sent)+2) || stats.Pending > 0 || stats.Tips > 4*perRound {
			t.Errorf("node %d: %+v, want %d attached and few tips", i, stats, len(s.sent)+2)
		}
		n.mustWeigh(bottoms...)
	}
}

// history makes length records as five writers would, for a node to have written while it was
// alone. Each links the third before it, so that all are absorbed, and another one of the last
// five.
func (s *sim) history(n *node, length int) []*protocol.Record {
	who := s.person(fmt.Sprintf("side %d", n.side))
	records := make([]*protocol.Record, 0, length)
	for i := range length {
		links := s.genesis()
		if i > 0 {
			other := []int{1, 2, 4, 5}[s.rng.IntN(4)]
			links = []protocol.ID{records[max(0, i-3)].ID(), records[max(0, i-other)].ID()}
			if links[0] == links[1] {
				links[1] = s.genesis()[0]
			}
		}
		records = append(records, s.make(statement{by: who, kind: filler, links: links, at: epoch + 1 + uint64(i)}))
	}
	return records
}

// isOne reports whether the newest record of every node rests on all of these.
func (s *sim) isOne(records []*protocol.Record) bool {
	for _, n := range s.nodes {
		past := s.past(n.order[len(n.order)-1])
		if slices.ContainsFunc(records, func(r *protocol.Record) bool { return !past[r.ID()] }) {
			return false
		}
	}
	return true
}

// past returns all ancestors of a record.
func (s *sim) past(r *protocol.Record) map[protocol.ID]bool {
	past := map[protocol.ID]bool{}
	for stack := r.Links; len(stack) > 0; {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !past[id] {
			past[id] = true
			if x := s.sent[id]; x != nil {
				stack = append(stack, x.Links...)
			}
		}
	}
	return past
}
