package simulation

import (
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// TestSpamOnTheGenesis floods the network with records that link nothing but the genesis: each is a tip that nobody needs. Honest
// records must go on being absorbed and gaining weight.
func TestSpamOnTheGenesis(t *testing.T) {
	for _, test := range []struct {
		title string
		spam  uint64 // a round
		limit bool   // of what links are chosen by now
	}{
		{"a fifth of the honest", 1, false},
		{"the limit: as many as the honest", 5, true},
		{"the limit: five times as many", 25, true},
	} {
		t.Run(test.title, func(t *testing.T) {
			const honest, rounds = 5, 40
			s := newSim(t, 4, nil)
			spammer := s.person("spammer")
			s.busy(honest, 15)
			s.run(15 * round)
			s.load(round/test.spam, s.now+rounds*round, s.nodes[3:], func(n *node) *protocol.Record {
				r := s.make(statement{by: spammer, kind: filler, links: s.genesis(), at: n.time()})
				s.publish(n, r)
				return r
			})
			first := s.nodes[0].claims(s.person("owner"), "name", ordinary)
			began := s.now
			var records []*protocol.Record
			var made []uint64
			s.load(round/honest, s.now+rounds*round, s.nodes[:3], func(n *node) *protocol.Record {
				r := s.plain(n)
				if s.now < began+(rounds-6)*round {
					records, made = append(records, r), append(made, s.now)
				}
				return r
			})
			s.run(rounds * round)
			s.settle()
			within := share(s.absorption(records, made), 4)
			weight, stacked := s.nodes[0].weight(first), uint64(honest*rounds*ordinary)
			t.Logf("absorbed within four rounds: %.0f %%; %d tips; the claim weighs %d of %d stacked by honest people",
				100*within, s.nodes[0].stats().Tips, weight, stacked)
			if holds := within >= 0.95 && weight >= stacked*8/10; holds == test.limit {
				t.Errorf("within four rounds %.0f %% of the honest records were absorbed, and the claim weighs %d of %d", 100*within, weight, stacked)
			}
		})
	}
}

// TestSpamCostsItsShare compares what it takes to put a record when there are few of them and when there are many, all on the
// genesis, and one that merges sixteen of them now and then.
func TestSpamCostsItsShare(t *testing.T) {
	total := 4000
	if small() {
		total = 1500
	}
	s := newSim(t, 1, nil)
	n, spammer := s.nodes[0], s.person("spammer")
	batch := total / 10
	var medians []time.Duration
	for b := range 10 {
		var records []*protocol.Record
		for i := range batch {
			links := s.genesis()
			if i > 16 && i%100 == 99 {
				links = idsOf(records[i-16 : i])
			}
			records = append(records, s.make(statement{by: spammer, kind: filler, links: links, at: epoch + 1 + uint64(b)}))
		}
		took := make([]time.Duration, 0, batch)
		for _, r := range records {
			began := time.Now()
			n.put(r)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		medians = append(medians, took[len(took)/2])
	}
	t.Logf("a put took %v", medians)
	if early, late := slices.Min(medians[:3]), slices.Min(medians[7:]); late > 3*early+100*time.Microsecond {
		t.Errorf("a put took %v at first and %v among %d", early, late, total)
	}
	began := time.Now()
	for range 50 {
		n.links(2)
	}
	if took := time.Since(began) / 50; took > 50*time.Millisecond {
		t.Errorf("choosing links among %d tips took %v", n.stats().Tips, took)
	}
}
