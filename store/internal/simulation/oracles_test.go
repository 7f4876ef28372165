package simulation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// council is a network on which owner and impostor claim "name", with three oracles that a reader
// has elected. Two object to the impostor, and a bad one has said nothing yet.
type council struct {
	*sim
	owner, impostor person
	honest          []person
	bad             person
	all             []person
}

func newCouncil(t *testing.T) *council {
	s := newSim(t, 3, nil)
	c := &council{sim: s, owner: s.person("owner"), impostor: s.person("impostor"), honest: s.crowd(2, "oracle"), bad: s.person("bad oracle")}
	c.all = append(slices.Clone(c.honest), c.bad)
	s.busy(5, 60)
	s.run(2 * round)
	s.nodes[0].claims(c.owner, "name", ordinary)
	s.run(2 * round)
	s.nodes[1].claims(c.impostor, "name", ordinary)
	for i, o := range c.honest {
		s.nodes[i].says(o, s.objection("name", c.impostor))
	}
	s.run(2 * round)
	return c
}

// mustCount checks how many of the three object to owner and impostor at every node.
func (c *council) mustCount(owner, impostor int) {
	c.t.Helper()
	for i, n := range c.nodes {
		a := n.ask(question{name: "name", policy: "oracles", oracles: c.all})
		o, p := claimOf(a, c.owner).Standing, claimOf(a, c.impostor).Standing
		if o.Elected != 3 || p.Elected != 3 || o.Objections != owner || p.Objections != impostor {
			c.t.Errorf("node %d: want %d objections to the owner and %d to the impostor\n%s", i, owner, impostor, c.explain(a))
		}
	}
}

// TestLyingOracle: it objects to the owner, and says nothing against the impostor. It is one of
// three.
func TestLyingOracle(t *testing.T) {
	c := newCouncil(t)
	c.mustCount(0, 2)
	c.nodes[2].says(c.bad, c.objection("name", c.owner))
	c.run(2 * round)
	c.mustCount(1, 2)
	for _, policy := range []string{"", "oracles", "oracles,newest", "local", "weight"} {
		c.mustWin(question{name: "name", policy: policy, oracles: c.all}, c.owner)
	}
	// A reader that has elected none of them hears none of them. A reader that has elected only the
	// liar believes it.
	c.mustWin(question{name: "name"}, c.owner)
	c.mustWin(question{name: "name", oracles: []person{c.bad}}, c.impostor)
}

// TestLimitSilentOracles: where the honest oracles say nothing of the impostor, the liar alone
// decides, before weight does. That is its share: one objection against none.
func TestLimitSilentOracles(t *testing.T) {
	c := newCouncil(t)
	c.nodes[0].claims(c.owner, "other", ordinary)
	c.run(2 * round)
	c.nodes[1].claims(c.impostor, "other", ordinary)
	c.nodes[2].says(c.bad, c.objection("other", c.owner))
	c.run(2 * round)
	c.mustWin(question{name: "other", oracles: c.all}, c.impostor)
	c.mustWin(question{name: "other"}, c.owner)
	// one word against one: weight decides again
	c.nodes[0].says(c.honest[0], c.objection("other", c.impostor))
	c.run(2 * round)
	c.mustWin(question{name: "other", oracles: c.all}, c.owner)
}

// TestFloodingOracle: it objects to the owner over and over, and to a thousand others. It is one of
// three all the same, and the query takes no longer.
func TestFloodingOracle(t *testing.T) {
	c := newCouncil(t)
	floods := 400
	if small() {
		floods = 100
	}
	took := func() time.Duration {
		var list []time.Duration
		for range 20 {
			began := time.Now()
			c.nodes[0].winner(question{name: "name", oracles: c.all})
			list = append(list, time.Since(began))
		}
		return median(list)
	}
	before := took()
	for i := range floods {
		words := []protocol.Word{c.objection("name", c.owner)}
		for j, p := range c.crowd(10, "somebody") {
			words = append(words, c.objection("name", p), protocol.Word{Composite: [32]byte{byte(i), byte(j)}, Owner: p.owner, Objects: true})
		}
		c.nodes[2].says(c.bad, words...)
	}
	c.run(2 * round)
	c.mustCount(1, 2)
	c.mustWin(question{name: "name", oracles: c.all}, c.owner)
	after := took()
	t.Logf("the query took %v before the flood and %v after", before, after)
	if after > 4*before+2*time.Millisecond {
		t.Errorf("the query took %v before the flood and %v after", before, after)
	}
}

// TestOracleContradictsItself: its latest word counts, whatever the order in which they come; and
// of two of one moment, everywhere the same.
func TestOracleContradictsItself(t *testing.T) {
	c := newCouncil(t)
	for i := range 6 {
		word := c.objection("name", c.owner)
		word.Objects = i%2 == 0
		c.nodes[i%3].says(c.bad, word)
		c.run(2 * round) // within a round they overtake each other
		if word.Objects {
			c.mustCount(1, 2)
		} else {
			c.mustCount(0, 2)
		}
	}
	// Both at one moment, and each node hears them in its own order.
	n := c.nodes[0]
	var records []*protocol.Record
	for _, objects := range []bool{true, false, true, false} {
		word := c.objection("name", c.owner)
		word.Objects = objects
		value, err := protocol.EncodeCommentary([]protocol.Word{word})
		if err != nil {
			t.Fatal(err)
		}
		l := n.links(2)
		records = append(records, n.make(statement{by: c.bad, kind: protocol.TypeCommentary, value: value, links: l.ids, at: max(n.time(), l.newest)}))
	}
	for _, n := range c.nodes {
		c.rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		n.receive(records...)
	}
	c.run(2 * round)
	last := slices.MaxFunc(records, func(a, b *protocol.Record) int {
		x, y := a.SignedHash(), b.SignedHash()
		return slices.Compare(x[:], y[:])
	})
	if last.Words()[0].Objects {
		c.mustCount(1, 2)
	} else {
		c.mustCount(0, 2)
	}
	c.mustWin(question{name: "name", oracles: c.all}, c.owner)
}

// TestOracleOnUnknown: words about keys and owners that nobody has heard of, and contents that are
// no words, change nothing. A word counts as soon as there is the claim it is about.
func TestOracleOnUnknown(t *testing.T) {
	c := newCouncil(t)
	latecomer := c.person("latecomer")
	c.nodes[0].says(c.bad, c.objection("name", latecomer), c.objection("nothing", c.owner), protocol.Word{Objects: true})
	for _, value := range [][]byte{nil, {}, {0xff}, []byte("I object"), {0x81, 0x83, 0x01, 0x02, 0x03}} {
		if len(value) == 0 {
			value = nil
		}
		c.nodes[0].write(statement{by: c.honest[0], kind: protocol.TypeCommentary, value: value})
	}
	c.run(2 * round)
	c.mustCount(0, 2)
	c.mustWin(question{name: "name", oracles: c.all}, c.owner)
	c.nodes[1].claims(latecomer, "name", ordinary)
	c.run(2 * round)
	for i, n := range c.nodes {
		a := n.ask(question{name: "name", oracles: c.all})
		if claim := claimOf(a, latecomer); claim == nil || claim.Standing.Objections != 1 {
			t.Errorf("node %d: want one objection to the latecomer\n%s", i, c.explain(a))
		}
	}
	// Somebody that is no elected oracle objects to the owner.
	c.nodes[1].says(c.impostor, c.objection("name", c.owner))
	c.run(2 * round)
	c.mustCount(0, 2)
}

// TestMajorityOfOracles goes through all that three oracles can say of two claims. The one with
// fewer objections wins, and on a draw weight decides.
func TestMajorityOfOracles(t *testing.T) {
	s := newSim(t, 2, nil)
	oracles := s.crowd(3, "oracle")
	owner, impostor := s.person("owner"), s.person("impostor")
	for mask := range 1 << 6 {
		s.nodes[0].claims(owner, fmt.Sprint("name ", mask), ordinary)
	}
	s.busy(5, 10)
	s.run(5 * round)
	for mask := range 1 << 6 {
		name := fmt.Sprint("name ", mask)
		s.nodes[1].claims(impostor, name, ordinary)
		for i, o := range oracles {
			var words []protocol.Word
			for bit, who := range []person{owner, impostor} {
				words = append(words, protocol.Word{Composite: s.composite(name), Owner: who.owner, Objects: mask>>(2*i+bit)&1 == 1})
			}
			s.nodes[i%2].says(o, words...)
		}
	}
	s.run(5 * round)
	for mask := range 1 << 6 {
		var objections [2]int
		for i := range 6 {
			objections[i%2] += mask >> i & 1
		}
		want := owner
		if objections[0] > objections[1] {
			want = impostor
		}
		s.mustWin(question{name: fmt.Sprint("name ", mask), oracles: oracles}, want)
	}
}
