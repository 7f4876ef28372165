package simulation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestGoodRecordsAreAbsorbed has 1, 5 and 50 writers write at any moment (within one round), each
// linking as many tips as a node does by itself. Two rounds after a record was made, hardly any is
// a tip at any node, and after four none is.
//
// A record reaches its last node up to a round after it was made, and the record that links it up
// to a round after that. So even the first writer who could link it needs two rounds. The few that
// remain are those that several writers left to each other.
func TestGoodRecordsAreAbsorbed(t *testing.T) {
	for _, writers := range []uint64{1, 5, 50} {
		t.Run(fmt.Sprintf("%d writers", writers), func(t *testing.T) {
			rounds := max(12, 150/writers)
			if small() {
				rounds = max(11, 100/writers)
			}
			s := newSim(t, 6, nil)
			var records []*protocol.Record
			var made []uint64
			s.load(round/writers, s.now+rounds*round, s.nodes, func(n *node) *protocol.Record {
				r := s.plain(n)
				if age := s.now - start; 2*round < age && age < (rounds-5)*round {
					records, made = append(records, r), append(made, s.now)
				}
				return r
			})
			s.run(rounds * round)
			s.settle()
			ages := s.absorption(records, made)
			t.Logf("%d records, %d tips at the end: median %.2f rounds, 99 %% %.2f, the last %.2f",
				len(records), s.nodes[0].stats().Tips, quantile(ages, 0.5), quantile(ages, 0.99), quantile(ages, 1))
			if within := share(ages, 2); within < 0.9 {
				t.Errorf("within two rounds every node has seen only %.1f %% of the records linked", 100*within)
			}
			if last := quantile(ages, 1); last > 4 {
				t.Errorf("the last record was linked after %.1f rounds", last)
			}
		})
	}
}

// absorption returns how long after it was made each record was linked at every node, in rounds,
// sorted.
func (s *sim) absorption(records []*protocol.Record, made []uint64) []float64 {
	ages := make([]float64, len(records))
	for i, r := range records {
		for _, n := range s.nodes {
			at, linked := n.linked[r.ID()]
			if !linked {
				at = math.MaxUint32 * round // forever
			}
			ages[i] = max(ages[i], float64(at-made[i])/round)
		}
	}
	slices.Sort(ages)
	return ages
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// share returns what part of sorted numbers is at most a limit.
func share(sorted []float64, limit float64) float64 {
	n := 0
	for n < len(sorted) && sorted[n] <= limit {
		n++
	}
	return float64(n) / float64(len(sorted))
}

// TestLinksAreSpread asks for links many times where there are 32 tips. All are offered, and about
// equally often. So no record's fate hangs on where its tip stands, and nobody can foretell who
// links whom.
func TestLinksAreSpread(t *testing.T) {
	s := newSim(t, 1, nil)
	n := s.nodes[0]
	const tips, draws = 32, 2000
	for i := range tips {
		n.put(s.make(statement{by: s.person("somebody"), kind: filler, links: s.genesis(), at: s.now - uint64(i)}))
	}
	counts := map[protocol.ID]float64{}
	for range draws {
		for _, id := range n.links(2).ids {
			counts[id]++
		}
	}
	entropy, all := 0.0, 0.0
	for _, c := range counts {
		all += c
	}
	for _, c := range counts {
		entropy -= c / all * math.Log2(c/all)
	}
	t.Logf("%d tips, entropy %.3f bits of %.3f", len(counts), entropy, math.Log2(tips))
	if entropy < 0.98*math.Log2(tips) {
		t.Errorf("%d tips were offered, with an entropy of %.2f bits, want %.2f", len(counts), entropy, math.Log2(tips))
	}
	if ids, err := n.store.Tips(context.Background(), 100); err != nil || len(ids) != tips {
		t.Fatalf("%d tips, %v", len(ids), err)
	}
}
