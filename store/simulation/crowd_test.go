package simulation

import (
	"fmt"
	"testing"
	"time"
)

// TestThousandOwners asks for a composite key that a thousand owners claim: it takes its time once a claim, names at most a
// hundred, counts them all, and the first owner still wins.
func TestThousandOwners(t *testing.T) {
	owners := 1000
	if small() {
		owners = 250
	}
	s := newSim(t, 1, nil)
	n, owner := s.nodes[0], s.person("owner")
	n.claims(owner, "name", ordinary)
	s.busy(10, 20)
	s.run(20 * round)
	links := n.links(2)
	for _, p := range s.crowd(owners-1, "squatter") {
		n.put(s.make(statement{by: p, name: "name", value: []byte("of " + p.name), at: max(s.now, links.newest), links: links.ids, effort: 5 * ordinary}))
	}
	for i, q := range []question{{}, {policy: "weight"}, {policy: "local"}, {policy: "oracles,weight", oracles: s.crowd(5, "oracle")}, {history: true}} {
		t.Run(fmt.Sprint(q.policy, i), func(t *testing.T) {
			q.name = "name"
			for _, explain := range []bool{false, true} {
				query := s.query(q)
				query.Explain = explain
				began := time.Now()
				answers, err := n.store.Query(t.Context(), query)
				took := time.Since(began)
				if err != nil {
					t.Fatal(err)
				}
				a := answers.Keys[0]
				t.Logf("explain %v: %v, %d claims of %d", explain, took, len(a.Claims), a.Total)
				if took > time.Second {
					t.Errorf("the query took %v", took)
				}
				if (explain || q.history) && len(a.Claims) > 100 || !explain && !q.history && len(a.Claims) != 1 || a.Total != owners {
					t.Errorf("%d claims of %d", len(a.Claims), a.Total)
				}
				if a.Claims[0].Owner != owner.owner {
					t.Errorf("%s wins", s.nameOf(a.Claims[0].Owner))
				}
			}
		})
	}
}
