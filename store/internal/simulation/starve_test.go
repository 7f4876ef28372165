package simulation

import (
	"fmt"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestDisreputableRecordsStarve has claims on names that others hold come in while 1, 5 and 50
// writers are busy. Every node has seen the holders first. So none ever links an impostor's record,
// though it is a tip to the end. All other records are absorbed meanwhile as if it were not there.
func TestDisreputableRecordsStarve(t *testing.T) {
	for _, writers := range []uint64{1, 5, 50} {
		t.Run(fmt.Sprintf("%d writers", writers), func(t *testing.T) {
			s := newSim(t, 5, nil)
			const names = 4
			for i := range names {
				s.nodes[i].claims(s.person("owner"), fmt.Sprint("name ", i), ordinary)
			}
			rounds := max(10, 60/writers)
			s.busy(writers, rounds)
			s.run(3 * round)
			var impostors []*protocol.Record
			for i := range names {
				impostors = append(impostors, s.nodes[s.rng.IntN(5)].claims(s.person("impostor"), fmt.Sprint("name ", i), 10*ordinary))
				s.run(round)
			}
			s.run(rounds * round)
			s.settle()
			for _, r := range impostors {
				s.mustStarve(r)
			}
			if tips := s.nodes[0].stats().Tips; tips > names+2*writers+2 {
				t.Errorf("%d tips with %d writers and %d disreputable records", tips, writers, names)
			}
		})
	}
}

// mustStarve checks that no node has seen anything link a record, which so weighs nothing but its
// own work.
func (s *sim) mustStarve(r *protocol.Record) {
	s.t.Helper()
	for i, n := range s.nodes {
		if _, linked := n.linked[r.ID()]; linked {
			s.t.Errorf("node %d: the record was linked", i)
		}
		if w := n.weight(r); w != uint64(r.Effort()) {
			s.t.Errorf("node %d: the record weighs %d, its own work is %d", i, w, r.Effort())
		}
	}
}
