package simulation

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// secret builds a chain that nobody hears of. The impostor's claim is at its bottom, on the genesis
// and dated back to it. On top are length records of the given effort.
func (s *sim) secret(by person, name string, length int, effort uint32) []*protocol.Record {
	bottom := s.make(statement{by: by, name: name, value: []byte("of " + by.name), effort: effort, links: s.genesis(), at: epoch + 1})
	chain := []*protocol.Record{bottom}
	links := []protocol.ID{s.genesis()[0], bottom.ID()}
	for len(chain) < length {
		r := s.make(statement{by: by, kind: filler, effort: effort, links: links, at: epoch + 1 + uint64(len(chain))})
		chain = append(chain, r)
		links = []protocol.ID{links[1], r.ID()}
	}
	return chain
}

// TestPrivateChain publishes at once a chain that was built in secret under an impostor's claim. It
// has less or more work than honest people have stacked on the owner's claim meanwhile. Honest
// nodes then link the chain's top, which claims nothing, so from then on both gain the same: what
// was stacked until the publication decides.
func TestPrivateChain(t *testing.T) {
	for _, test := range []struct {
		title string
		part  float64 // of the work on the owner's claim
		wins  bool    // by weight: the limit
	}{
		{"less work than the honest", 0.8, false},
		{"the limit: more work than the honest", 1.3, true},
	} {
		t.Run(test.title, func(t *testing.T) {
			s := newSim(t, 4, withAuthority)
			owner, impostor := s.person("owner"), s.person("impostor")
			oracles := s.crowd(3, "oracle")
			s.nodes[0].certify(owner)
			s.busy(10, 60)
			s.run(2 * round)
			first := s.nodes[0].claims(owner, "name", ordinary)
			for _, o := range oracles {
				s.nodes[1].says(o, s.objection("name", impostor))
			}
			s.run(20 * round)

			const length = 50
			effort := uint32(test.part * float64(s.nodes[0].weight(first)) / length)
			chain := s.secret(impostor, "name", length, effort)
			s.publish(s.nodes[2], chain...)
			s.run(round)
			for _, wait := range []uint64{5, 20} {
				s.run(wait * round)
				for _, n := range s.nodes {
					if n.linked[chain[length-1].ID()] == 0 {
						t.Fatal("nobody linked the chain's top")
					}
					n.mustWeigh(first, chain[0])
				}
				heaviest := owner
				if test.wins {
					heaviest = impostor
				}
				s.mustWin(question{name: "name", policy: "weight"}, heaviest)
				s.mustWin(question{name: "name", policy: "local"}, owner)
				s.mustWin(question{name: "name", policy: "certified"}, owner)
				s.mustWin(question{name: "name", policy: "oracles", oracles: oracles}, owner)
				s.mustWin(question{name: "name", oracles: oracles}, owner)
			}
		})
	}
}
