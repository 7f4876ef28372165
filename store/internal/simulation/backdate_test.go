package simulation

import "testing"

// TestBackDating: a timestamp says what its author likes, as far as its links allow and the clock's
// drift ahead. Within his own history an owner can so put a version in front of others, and a
// reader who asks "as of" sees it there. Against others' claims it is of no use. Neither weight nor
// what a node saw first nor oracles look at it, and newest prefers the opposite.
func TestBackDating(t *testing.T) {
	s := newSim(t, 4, nil)
	owner, impostor := s.person("owner"), s.person("impostor")
	oracles := s.crowd(3, "oracle")
	s.busy(5, 60)
	s.run(3 * round)
	first := s.nodes[0].claims(owner, "name", ordinary)
	s.run(5 * round)
	for i, o := range oracles {
		s.nodes[i].says(o, s.objection("name", impostor))
	}

	// The impostor's claim is dated to the day of the genesis, and so older than the owner's.
	forged := s.make(statement{by: impostor, name: "name", value: []byte("forged"), links: s.genesis(), at: epoch + 1, effort: 3 * ordinary})
	s.publish(s.nodes[2], forged)
	s.run(5 * round)
	for _, policy := range []string{"", "weight", "local", "oracles", "newest"} {
		s.mustWin(question{name: "name", policy: policy, oracles: oracles}, owner)
	}
	s.mustStarve(forged)
	// As of a time when the owner had his claim, he has it.
	s.mustWin(question{name: "name", policy: "weight", until: first.Timestamp}, owner)
	// The limit: as of a time before it, the forged claim is the only one. Nothing tells when a
	// record was really made.
	s.mustWin(question{name: "name", until: first.Timestamp - 1}, impostor)

	// The owner rewrites his own past: a version between the first and one that came later.
	later := s.nodes[1].claims(owner, "name", ordinary)
	s.run(3 * round)
	back := s.make(statement{by: owner, name: "name", value: []byte("rewritten"), links: s.genesis(), at: first.Timestamp + 1})
	s.publish(s.nodes[3], back)
	s.run(3 * round)
	for i, n := range s.nodes {
		if a := n.ask(question{name: "name"}); a.Claims[0].Record.ID() != later.ID() {
			t.Errorf("node %d: the version dated back is the answer", i)
		}
		if a := n.ask(question{name: "name", until: later.Timestamp - 1}); a.Claims[0].Record.ID() != back.ID() {
			t.Errorf("node %d: as of then, the version dated back is not the answer", i)
		}
	}
	s.mustWin(question{name: "name"}, owner)
}

// TestLimitBackDatingAfterAHeal: what was claimed on the other side of a partition comes late. So
// does what an impostor makes, dated back, after seeing it come. A node of this side cannot tell by
// local which was there before. Weight can, for the owner's claim has what its side has stacked on
// it. An impostor that writes down the true time gains nothing: the other claim was there before.
func TestLimitBackDatingAfterAHeal(t *testing.T) {
	s := newSim(t, 6, drift)
	owner, impostor := s.person("owner"), s.person("impostor")
	s.busy(10, 50)
	s.run(3 * round)
	s.partition(3)
	first := s.nodes[0].claims(owner, "name", ordinary)
	s.run(15 * round)
	s.heal(true)
	s.run(round)
	forged := s.make(statement{by: impostor, name: "name", value: []byte("forged"), links: s.genesis(), at: epoch + 1})
	s.publish(s.nodes[4], forged)
	s.run(2 * round)
	honest := s.person("honest impostor")
	dated := s.nodes[5].claims(honest, "name", ordinary)
	for range 2 {
		s.run(8 * round)
		for i, n := range s.nodes {
			a := n.ask(question{name: "name", policy: "local"})
			if first := claimOf(a, impostor).Standing.First; first != (i >= 3) || !claimOf(a, owner).Standing.First || claimOf(a, honest).Standing.First {
				t.Errorf("node %d\n%s", i, s.explain(a))
			}
		}
		s.mustWin(question{name: "name", policy: "local,weight"}, owner)
		s.mustWin(question{name: "name", policy: "local"}, owner, s.nodes[:3]...)
		s.mustWin(question{name: "name"}, owner)
		s.mustStarve(dated)
	}
	if s.nodes[0].weight(forged) >= s.nodes[0].weight(first) {
		t.Error("the forged claim has caught up")
	}
}
