package simulation

import (
	"fmt"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// TestThousandOwners asks for a composite key that a thousand owners claim. It takes its time once
// a claim, names at most a hundred, counts them all, and the first owner still wins.
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

// TestThousandsOfVersions has one impostor flood a name with versions that do not build on each
// other, so that each might be his heaviest. They are one claim: its weight is that of one of them,
// and the query's time stays bounded.
func TestThousandsOfVersions(t *testing.T) {
	versions := 1500 // the check at the end takes their square
	if small() {
		versions = 500
	}
	s := newSim(t, 1, nil)
	n, owner, impostor := s.nodes[0], s.person("owner"), s.person("impostor")
	first := n.claims(owner, "name", ordinary)
	s.busy(10, 10)
	s.run(10 * round)
	var flood []*protocol.Record
	for i := range versions {
		flood = append(flood, s.make(statement{by: impostor, name: "name", value: []byte("of impostor"), at: first.Timestamp + uint64(i), links: s.genesis()}))
	}
	n.putAll(flood)
	for _, policy := range []string{"", "weight", "local"} {
		for _, until := range []uint64{0, first.Timestamp + uint64(versions/2)} {
			q := question{name: "name", policy: policy, until: until}
			began := time.Now()
			a := n.ask(q) // twice, and once with all reasons
			took := time.Since(began)
			t.Logf("%q until %d: %v", policy, until, took)
			if took > time.Second {
				t.Errorf("%q until %d took %v", policy, until, took)
			}
			if a.Total != 2 || a.Claims[0].Owner != owner.owner || a.Claims[1].Standing.Weight != ordinary {
				t.Errorf("%q until %d:\n%s", policy, until, s.explain(a))
			}
		}
	}
	history, err := n.store.Query(t.Context(), s.query(question{name: "name", history: true}))
	if err != nil || len(history.Keys) != 1 {
		t.Fatalf("history: %d answers, %v", len(history.Keys), err)
	}
}
