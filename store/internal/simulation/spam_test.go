package simulation

import (
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// TestSpam floods the network with records that link nothing but the genesis, or records of some
// rounds ago: each is a tip that absorbs nothing. Honest records must go on gaining weight, and
// being absorbed where the flood is on the genesis.
func TestSpam(t *testing.T) {
	for _, test := range []struct {
		title string
		spam  uint64 // a round
		back  uint64 // how many rounds old what it links is; 0: the genesis
	}{
		{"on the genesis, a fifth of the honest", 1, 0},
		{"on the genesis, as many as the honest", 5, 0},
		{"on the genesis, five times as many", 25, 0},
		{"on what is 6 rounds old, as many", 5, 6},
		{"on what is 6 rounds old, five times as many", 25, 6},
		{"on what is 3 rounds old, as many", 5, 3},
	} {
		t.Run(test.title, func(t *testing.T) {
			const honest, rounds = 5, 40
			s := newSim(t, 4, nil)
			spammer := s.person("spammer")
			s.busy(honest, 15)
			s.run(15 * round)
			began := s.now
			var records []*protocol.Record
			var made []uint64
			old := func() []protocol.ID { // two honest records of some rounds ago
				n, _ := slices.BinarySearch(made, s.now-min(s.now, test.back*round))
				if test.back == 0 || n < 2 {
					return s.genesis()
				}
				return idsOf(records[n-2 : n])
			}
			s.load(round/test.spam, s.now+rounds*round, s.nodes[3:], func(n *node) *protocol.Record {
				r := s.make(statement{by: spammer, kind: filler, links: old(), at: n.time()})
				s.publish(n, r)
				return r
			})
			first := s.nodes[0].claims(s.person("owner"), "name", ordinary)
			s.load(round/honest, s.now+rounds*round, s.nodes[:3], func(n *node) *protocol.Record {
				r := s.plain(n)
				records, made = append(records, r), append(made, s.now)
				return r
			})
			s.run(rounds * round)
			s.settle()
			end, _ := slices.BinarySearch(made, began+(rounds-6)*round)
			within := share(s.absorption(records[:end], made[:end]), 4)
			weight, stacked := s.nodes[0].weight(first), uint64(honest*rounds*ordinary)
			t.Logf("absorbed within four rounds: %.0f %%; %d tips; the claim weighs %d of %d stacked by honest people",
				100*within, s.nodes[0].stats().Tips, weight, stacked)
			// A record that links honest records of a few rounds ago stands among tips that honest
			// writers left. These are linked later for it. What they rest on loses nothing, as the
			// flood weighs for it too.
			if test.back == 0 && within < 0.95 || weight < stacked*9/10 {
				t.Errorf("within four rounds %.0f %% of the honest records were absorbed, and the claim weighs %d of %d", 100*within, weight, stacked)
			}
		})
	}
}

// TestSpamCostsItsShare compares what it takes to put a record when there are few of them and when
// there are many. All are on the genesis, and one that merges sixteen of them comes now and then.
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
