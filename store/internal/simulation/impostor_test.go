package simulation

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// launders has somebody link a record that honest nodes do not, so that who links that links it
// too.
func (n *node) launders(by person, r *protocol.Record) *protocol.Record {
	n.t.Helper()
	links := n.links(1)
	x := n.make(statement{by: by, kind: filler, links: append(links.ids, r.ID()), at: max(n.time(), links.newest, r.Timestamp)})
	n.publish(n, x)
	return x
}

// TestLaterImpostor: equal work, later. He starves, however long he waits.
func TestLaterImpostor(t *testing.T) {
	s := newSim(t, 5, nil)
	owner, impostor := s.person("owner"), s.person("impostor")
	oracles := s.crowd(3, "oracle")
	s.busy(5, 60)
	s.run(3 * round)
	first := s.nodes[0].claims(owner, "name", ordinary)
	s.run(4 * round)
	second := s.nodes[3].claims(impostor, "name", ordinary)
	for i, o := range oracles {
		s.nodes[i].says(o, s.objection("name", impostor))
	}
	for _, wait := range []uint64{3, 40} {
		s.run(wait * round)
		for _, policy := range []string{"", "weight", "local", "local,weight", "weight,local,newest", "oracles"} {
			s.mustWin(question{name: "name", policy: policy, oracles: oracles}, owner)
		}
		// The limit: who believes the newest believes whoever wrote last.
		s.mustWin(question{name: "name", policy: "newest"}, impostor)
		s.mustStarve(second)
		s.nodes[4].mustWeigh(first, second)
	}
}

// TestImpostorWithAFriend has the impostor's record linked by an innocent looking one, which honest
// nodes then link. So it gains all that the owner's claim gains; but it never makes up for what the
// owner's had before, however long he waits.
func TestImpostorWithAFriend(t *testing.T) {
	s := newSim(t, 5, nil)
	owner, impostor := s.person("owner"), s.person("impostor")
	s.busy(5, 60)
	s.run(2 * round)
	s.nodes[0].claims(owner, "name", ordinary)
	s.run(4 * round)
	second := s.nodes[3].claims(impostor, "name", ordinary)
	s.nodes[3].launders(s.person("friend"), second)
	for _, wait := range []uint64{5, 40} {
		s.run(wait * round)
		if w := s.nodes[0].weight(second); w < wait/2*5*ordinary {
			t.Errorf("the impostor's record weighs %d: it was not laundered", w)
		}
		for _, policy := range []string{"", "weight", "local"} {
			s.mustWin(question{name: "name", policy: policy}, owner)
		}
	}
}

// TestOwnerUpdates: the owner's new version has little weight of its own, and an impostor has
// waited for this. The claim keeps the standing of its heaviest version; deleting keeps it too, and
// only a release gives it up, for good.
func TestOwnerUpdates(t *testing.T) {
	s := newSim(t, 4, nil)
	owner, impostor := s.person("owner"), s.person("impostor")
	s.busy(5, 80)
	s.run(2 * round)
	s.nodes[0].claims(owner, "name", ordinary)
	s.run(4 * round)
	waiting := s.nodes[3].claims(impostor, "name", ordinary)
	s.nodes[3].launders(s.person("friend"), waiting)
	s.run(20 * round)

	for _, s2 := range []statement{
		{by: owner, name: "name", value: []byte("new")},
		{by: owner, name: "name"}, // deleted
		{by: owner, name: "name", value: []byte("newer")},
	} {
		update := s.nodes[1].write(s2)
		for _, wait := range []uint64{2, 6} {
			s.run(wait * round)
			for i, n := range s.nodes {
				a := n.ask(question{name: "name"})
				if a.Claims[0].Record.ID() != update.ID() || a.Total != 2 || a.Claims[1].LostBy != protocol.CriterionWeight {
					t.Fatalf("node %d does not answer the owner's update\n%s", i, s.explain(a))
				}
				if n.weight(update) >= n.weight(waiting) || a.Claims[0].Standing.Weight <= a.Claims[1].Standing.Weight {
					t.Fatalf("node %d: the update weighs %d, the impostor's version %d\n%s", i, n.weight(update), n.weight(waiting), s.explain(a))
				}
			}
			s.mustWin(question{name: "name", policy: "local"}, owner)
		}
	}

	s.nodes[2].write(statement{by: owner, name: "name", kind: protocol.TypeRelease})
	s.run(2 * round)
	s.mustWin(question{name: "name"}, impostor)
	s.nodes[1].claims(owner, "name", ordinary) // he wants it back, and begins again
	s.run(5 * round)
	s.mustWin(question{name: "name"}, impostor)
	s.mustWin(question{name: "name", policy: "local"}, impostor)
}

const (
	// The impostor's own work is ten times the owner's. The owner has paid for a hundred ordinary
	// records.
	ownersWork    = 20 * ordinary
	impostorsWork = 10 * ownersWork
	perRound      = 10
	// roundsAhead is how long it takes honest people to stack on the owner's claim what the
	// impostor paid more:
	//
	//	(work of the impostor − work of the owner) / honest work a round
	//
	// and up to two rounds more, in which the owner's record is not yet seen and linked by all.
	roundsAhead = (impostorsWork - ownersWork) / (perRound * ordinary)
)

// squats publishes the impostor's claim on links from before the owner's. On later ones it would be
// among what is stacked on the owner's, and pay for that.
func (s *sim) squats(n *node, impostor person, name string, before links) *protocol.Record {
	r := s.make(statement{by: impostor, name: name, value: []byte("of " + impostor.name), effort: impostorsWork, links: before.ids, at: n.time()})
	s.publish(n, r)
	return r
}

// TestTenTimesTheWork: the impostor is there right after the owner and pays ten times as much. He
// is ahead by weight until honest people have stacked the difference, and then never again. By any
// other criterion he loses at once.
func TestTenTimesTheWork(t *testing.T) {
	s := newSim(t, 4, withAuthority)
	owner, impostor := s.person("owner"), s.person("impostor")
	oracles := s.crowd(3, "oracle")
	s.nodes[0].certify(owner)
	s.busy(perRound, 60)
	s.run(3 * round)
	began, before := s.now, s.nodes[2].links(2)
	s.nodes[0].claims(owner, "name", ownersWork)
	s.run(2 * round)
	second := s.squats(s.nodes[2], impostor, "name", before)
	for i, o := range oracles {
		s.nodes[i].says(o, s.objection("name", impostor))
	}
	s.run(round)
	for _, policy := range []string{"", "certified", "oracles", "local"} { // at once
		s.mustWin(question{name: "name", policy: policy, oracles: oracles}, owner)
	}
	byWeight := question{name: "name", policy: "weight"}
	s.mustWin(byWeight, impostor)
	for s.now-began < 60*round && s.nodes[3].winner(byWeight) == impostor.owner {
		s.run(round / 4)
	}
	after := float64(s.now-began) / round
	t.Logf("the owner is ahead after %.2f rounds; by the formula %d to %d", after, roundsAhead, roundsAhead+2)
	if after < roundsAhead-1 || after > roundsAhead+3 {
		t.Errorf("the owner is ahead after %.2f rounds, want %d to %d", after, roundsAhead, roundsAhead+2)
	}
	for range 3 { // and stays ahead
		s.run(5 * round)
		s.mustWin(byWeight, owner)
	}
	s.mustStarve(second)
}

// TestLimitTenTimesTheWorkWithAFriend is what weight does not defend. The same impostor pays for
// one more record before honest people have stacked the difference. Through it honest nodes link
// the impostor's. From then on both gain the same and he stays ahead. Had the owner had the rounds
// of the formula before, it would not help him.
func TestLimitTenTimesTheWorkWithAFriend(t *testing.T) {
	s := newSim(t, 4, withAuthority)
	owner, impostor := s.person("owner"), s.person("impostor")
	oracles := s.crowd(3, "oracle")
	s.nodes[0].certify(owner)
	s.busy(perRound, 70)
	s.run(3 * round)
	before := s.nodes[2].links(2)
	for _, name := range []string{"new", "old"} {
		s.nodes[0].claims(owner, name, ownersWork)
	}
	for _, o := range oracles {
		s.nodes[1].says(o, s.objection("new", impostor), s.objection("old", impostor))
	}
	s.run(2 * round)
	s.nodes[2].launders(s.person("friend"), s.squats(s.nodes[2], impostor, "new", before))
	s.run((roundsAhead + 2) * round)
	s.nodes[2].launders(s.person("friend"), s.squats(s.nodes[2], impostor, "old", before))
	for range 3 {
		s.run(10 * round)
		s.mustWin(question{name: "new", policy: "weight"}, impostor)
		s.mustWin(question{name: "old", policy: "weight"}, owner)
		for _, policy := range []string{"", "certified", "oracles", "local"} {
			for _, name := range []string{"new", "old"} {
				s.mustWin(question{name: name, policy: policy, oracles: oracles}, owner)
			}
		}
	}
}

// TestRace has two people claim one name within a round, so that some nodes see the one first and
// some the other. Who wins by weight is chance: whose record was linked first. But all nodes agree
// soon, and it stays so.
func TestRace(t *testing.T) {
	s := newSim(t, 6, nil)
	a, b := s.person("a"), s.person("b")
	s.busy(10, 60)
	s.run(3 * round)
	const names = 8
	for i := range names {
		name := string(rune('p' + i))
		s.nodes[0].claims(a, name, ordinary)
		s.nodes[5].claims(b, name, ordinary)
	}
	s.run(6 * round)
	won := map[string]person{}
	for range 3 {
		s.run(5 * round)
		for i := range names {
			name := string(rune('p' + i))
			if who, decided := won[name]; decided {
				s.mustWin(question{name: name}, who)
				continue
			}
			won[name] = a
			if s.nodes[0].winner(question{name: name}) == b.owner {
				won[name] = b
			}
			s.mustWin(question{name: name}, won[name])
		}
	}
}
