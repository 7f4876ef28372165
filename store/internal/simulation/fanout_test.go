package simulation

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// TestSiblingsOverASideChain puts many records that each merge the same long side chain: the most
// that the rule allows. Each costs its mergeset and no more, and one that merges more is refused.
func TestSiblingsOverASideChain(t *testing.T) {
	siblings := 300
	if small() {
		siblings = 60
	}
	s := newSim(t, 1, nil)
	n, who := s.nodes[0], s.person("attacker")
	chain := func(length int, effort uint32) []*protocol.Record {
		var list []*protocol.Record
		links := s.genesis()
		for i := range length {
			r := s.make(statement{by: who, kind: filler, effort: effort, links: links, at: epoch + 1 + uint64(i)})
			list, links = append(list, r), []protocol.ID{s.genesis()[0], r.ID()}
		}
		n.receive(list...)
		return list
	}
	main := chain(50, 100*ordinary)
	side := chain(protocol.MaxMergeset+10, 1) // less work in all than main
	at := side[len(side)-1].Timestamp
	sibling := func(i int, merges int) (store.Result, time.Duration) {
		r := s.make(statement{by: who, kind: filler, effort: 1, at: at + uint64(i), links: []protocol.ID{main[49].ID(), side[merges-1].ID()}})
		began := time.Now()
		return n.put(r), time.Since(began)
	}
	var took []time.Duration
	for i := range siblings {
		result, d := sibling(i, protocol.MaxMergeset)
		if result.Outcome != store.Attached {
			t.Fatalf("a sibling with the largest mergeset: %v, %v", result.Outcome, result.Err)
		}
		took = append(took, d)
	}
	early, late := median(took[:siblings/4]), median(took[3*siblings/4:])
	t.Logf("a sibling that merges %d records took %v at first and %v at last", protocol.MaxMergeset, early, late)
	if late > 3*early+time.Millisecond || late > 50*time.Millisecond {
		t.Errorf("a sibling took %v at first and %v at last", early, late)
	}
	n.mustWeigh(side[0], side[protocol.MaxMergeset-1], main[49])

	result, d := sibling(siblings, protocol.MaxMergeset+1)
	var invalid *protocol.InvalidError
	if result.Outcome != store.Refused || !errors.As(result.Err, &invalid) || invalid.Rule != protocol.RuleMergeset {
		t.Errorf("a sibling that merges one record more: %v, %v", result.Outcome, result.Err)
	}
	t.Logf("one that merges more was refused in %v", d)
	if d > 50*time.Millisecond {
		t.Errorf("refusing it took %v", d)
	}
	if result := n.put(s.make(statement{by: who, kind: filler, at: n.time(), links: n.links(2).ids})); result.Outcome != store.Attached {
		t.Errorf("what links to the links offered: %v, %v", result.Outcome, result.Err)
	}
}

func median(list []time.Duration) time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}
