package simulation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// graph draws a small graph with all that queries look at. It has few people, names and moments, so
// that everything meets. There are twins, releases and tombstones, commentary, certificates and
// revocations, some of which are worth nothing.
type graph struct {
	*rapid.T
	*world
	known, records []*protocol.Record
	values         map[protocol.Type][][]byte
}

func (g *graph) draw() {
	g.known = append(g.known, g.Genesis()...)
	for range rapid.IntRange(5, 50).Draw(g.T, "records") {
		g.record()
	}
}

func (g *graph) record() {
	s := statement{
		by: g.one("by", "alice", "alice", "alice", "bob", "carol"),
		kind: rapid.SampledFrom([]protocol.Type{
			protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease,
			protocol.TypeCommentary, protocol.TypeCommentary, protocol.TypeCertificate, protocol.TypeRevocation, filler,
		}).Draw(g.T, "type"),
		effort: rapid.Uint32Range(1, 3).Draw(g.T, "effort"),
	}
	newest := uint64(0)
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(max(0, len(g.known)-8), len(g.known)-1), 2, 3, rapid.ID[int]).Draw(g.T, "links") {
		s.links = append(s.links, g.known[i].ID())
		newest = max(newest, g.known[i].Timestamp)
	}
	s.at = newest + 1000*rapid.Uint64Range(0, 2).Draw(g.T, "later")
	switch s.kind {
	case protocol.TypeDatum, protocol.TypeRelease:
		s.name = rapid.SampledFrom([]string{"a", "a", "b"}).Draw(g.T, "name")
		if s.kind == protocol.TypeDatum && rapid.IntRange(0, 4).Draw(g.T, "tombstone") > 0 {
			s.value = []byte{byte(len(g.records))}
		}
	case protocol.TypeCommentary:
		s.by, s.value = g.one("oracle", "oracle 0", "oracle 1"), g.words()
	default:
		if values := g.values[s.kind]; values != nil {
			s.value = rapid.SampledFrom(values).Draw(g.T, "value")
		}
	}
	r := g.make(s)
	g.add(r)
	if rapid.IntRange(0, 5).Draw(g.T, "twin") == 0 {
		g.add(g.pay(r, rapid.Uint32Range(1, 5).Draw(g.T, "effort")))
	}
}

func (g *graph) add(r *protocol.Record) {
	g.known, g.records = append(g.known, r), append(g.records, r)
}

func (g *graph) one(what string, names ...string) person {
	return g.person(rapid.SampledFrom(names).Draw(g.T, what))
}

func (g *graph) words() []byte {
	value, err := protocol.EncodeCommentary([]protocol.Word{{
		Composite: g.composite(rapid.SampledFrom([]string{"a", "b"}).Draw(g.T, "on")),
		Owner:     g.one("owner", "alice", "bob", "carol").owner,
		Objects:   rapid.Bool().Draw(g.T, "objects"),
	}})
	if err != nil {
		g.Fatal(err)
	}
	return value
}

// papers are certificates of the network's authority and of one that only some readers believe, and
// revocations. Some of the certificates are out of date, and some of the revocations have a date.
func (w *world) papers() (values map[protocol.Type][][]byte, elective *protocol.Authority, err error) {
	values = map[protocol.Type][][]byte{protocol.TypeCertificate: {{1, 2, 3}}, protocol.TypeRevocation: {{1, 2, 3}}}
	der, err := protocol.NewAuthority(w.person("elective").key, "elective", validFrom, validUntil, w.random)
	if err != nil {
		return nil, nil, err
	}
	if elective, err = protocol.ParseAuthority(der); err != nil {
		return nil, nil, err
	}
	other, err := protocol.NewSigner(w.person("elective").key, der)
	if err != nil {
		return nil, nil, err
	}
	for _, signer := range []*protocol.Signer{w.signer(), other} {
		var serials []string
		for i, who := range []string{"alice", "bob"} {
			until := validUntil
			if i == 1 {
				until = time.UnixMilli(epoch + 5000) // in the midst of what happens
			}
			value := w.certificateBy(signer, w.person(who), validFrom, until)
			chain, err := protocol.ParseChain(value)
			if err != nil {
				return nil, nil, err
			}
			values[protocol.TypeCertificate] = append(values[protocol.TypeCertificate], value)
			serials = append(serials, string(chain.Serial()))
		}
		for i, serial := range serials {
			since := uint64(0)
			if i == 0 {
				since = epoch + 4000
			}
			value, err := signer.Revoke([]protocol.Revoked{{Serial: serial, Since: since}}, time.UnixMilli(epoch+6000))
			if err != nil {
				return nil, nil, err
			}
			values[protocol.TypeRevocation] = append(values[protocol.TypeRevocation], value)
		}
	}
	return values, elective, nil
}

func drawQuery(t *rapid.T, w *world, elective *protocol.Authority) store.Query {
	q := question{name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), history: rapid.Bool().Draw(t, "history")}
	policy := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"certified", "oracles", "weight", "newest"}), 0, 4, rapid.ID[string]).Draw(t, "policy")
	q.policy = strings.Join(policy, ",")
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 2), 0, 3, rapid.ID[int]).Draw(t, "oracles") {
		q.oracles = append(q.oracles, w.person(fmt.Sprint("oracle ", i)))
	}
	if rapid.Bool().Draw(t, "timed") {
		q.until = epoch + 1000*rapid.Uint64Range(0, 20).Draw(t, "until")
	}
	query := w.query(q)
	if rapid.Bool().Draw(t, "timed") {
		query.Since = epoch + 1000*rapid.Uint64Range(0, 10).Draw(t, "since")
		if query.Until > 0 {
			query.Until = max(query.Until, query.Since)
		}
	}
	if rapid.Bool().Draw(t, "elective") {
		query.Authorities = []*protocol.Authority{elective}
	}
	return query
}

// answers tells all that an answer says, but for what is a node's own: what it saw first, and its
// indices.
func (n *node) answers(q store.Query) string {
	n.t.Helper()
	a, err := n.store.Query(context.Background(), q)
	if err != nil {
		n.t.Fatal(err)
	}
	var b strings.Builder
	for _, k := range a.Keys {
		fmt.Fprintf(&b, "%d claims\n", k.Total)
		for _, c := range k.Claims {
			c.Standing.First = false
			fmt.Fprintf(&b, "%s: %s %+v lost by %q, %q; weight %d;", n.nameOf(c.Owner), c.Record.ID(), c.Standing, c.LostBy, c.Authority, c.Weight)
			for _, v := range c.Older {
				fmt.Fprintf(&b, " %s %d", v.Record.ID(), v.Weight)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// mustStand compares the weights of the claims in an answer with what the heaviest version of each
// must weigh. It looks at all records: the owner's data within the query's time, after the newest
// release in it.
func (n *node) mustStand(q store.Query) {
	n.t.Helper()
	answers, err := n.store.Query(context.Background(), q)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, k := range answers.Keys {
		for _, c := range k.Claims {
			var release, heaviest uint64
			var data []*protocol.Record
			for _, r := range n.order {
				if r.Owner != c.Owner || len(r.Selectors) == 0 || r.Selectors[0].Key != q.Where[0].Key || r.Timestamp < q.Since || q.Until > 0 && r.Timestamp > q.Until {
					continue
				}
				switch r.Type {
				case protocol.TypeRelease:
					release = max(release, r.Timestamp)
				case protocol.TypeDatum:
					data = append(data, r)
				}
			}
			for _, r := range data {
				if r.Timestamp > release {
					heaviest = max(heaviest, n.stacked(r))
				}
			}
			if c.Standing.Weight != heaviest {
				n.t.Fatalf("since %d until %d: %s's claim weighs %d, want %d", q.Since, q.Until, n.nameOf(c.Owner), c.Standing.Weight, heaviest)
			}
		}
	}
}

// TestNodesAgree is the promise of section "Queries". Two nodes that hold the same records give the
// same answers, with the same reasons, to every query whose policy leaves out local. The order and
// the times in which the records came make no difference, nor does a restart.
func TestNodesAgree(t *testing.T) {
	w := newWorld(t, withAuthority)
	values, elective, err := w.papers()
	if err != nil {
		t.Fatal(err)
	}
	queries := 20
	if small() {
		queries = 6
	}
	// the default
	if checks := flag.Lookup("rapid.checks").Value; raceEnabled && checks.String() == "100" {
		if err := checks.Set("25"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		w.made = 0 // what is drawn again is made again
		g := &graph{T: t, world: w, values: values}
		g.draw()
		s := simOf(t, w, 2)
		for _, n := range s.nodes {
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
			rng.Shuffle(len(g.records), func(i, j int) { g.records[i], g.records[j] = g.records[j], g.records[i] })
			for _, r := range g.records {
				s.sent[r.ID()] = r
				n.clock.Add(rng.Int64N(100_000))
				n.put(r)
			}
			n.mustWeigh(g.records...)
		}
		a, b := s.nodes[0], s.nodes[1]
		var asked []store.Query
		var said []string
		for range queries {
			q := drawQuery(t, w, elective)
			x, y := a.answers(q), b.answers(q)
			if x != y {
				t.Fatalf("policy %v, since %d, until %d, %d oracles, %d authorities:\n%s---\n%s", q.Policy, q.Since, q.Until, len(q.Oracles), len(q.Authorities), x, y)
			}
			a.mustStand(q)
			b.mustStand(q)
			asked, said = append(asked, q), append(said, x)
		}
		b.restart()
		for i, q := range asked {
			if y := b.answers(q); y != said[i] {
				t.Fatalf("policy %v, before and after a restart:\n%s---\n%s", q.Policy, said[i], y)
			}
		}
	})
}

// TestNetworkAgrees is the same for a network that lives. People claim the same names on all nodes
// while it falls apart and heals several times. Clocks differ, and in the end all nodes have all
// records.
func TestNetworkAgrees(t *testing.T) {
	s := newSim(t, 5, withAuthority)
	s.nodes[1].skew, s.nodes[3].skew = 20_000, -20_000
	s.nodes[0].certify(s.person("owner 0"))
	oracles := s.crowd(3, "oracle")
	rounds := uint64(40)
	if small() {
		rounds = 15
	}
	s.busy(5, rounds)
	names := []string{"a", "b", "c"}
	s.load(round/3, s.now+rounds*round, s.nodes, func(n *node) *protocol.Record {
		name, who := names[s.rng.IntN(len(names))], s.person(fmt.Sprint("owner ", s.rng.IntN(4)))
		switch s.rng.IntN(10) {
		case 0:
			return n.write(statement{by: who, name: name, kind: protocol.TypeRelease})
		case 1:
			return n.write(statement{by: who, name: name})
		case 2, 3:
			return n.says(oracles[s.rng.IntN(3)], protocol.Word{Composite: s.composite(name), Owner: who.owner, Objects: s.rng.IntN(2) == 0})
		}
		return n.claims(who, name, ordinary*(1+s.rng.Uint32N(5)))
	})
	for i := range rounds / 5 {
		if i%2 == 0 {
			s.partition(1 + s.rng.IntN(4))
		} else {
			s.heal(i%4 == 1)
		}
		s.run(5 * round)
	}
	s.settle()
	s.heal(false)
	s.settle()
	for _, n := range s.nodes {
		if stats := n.stats(); stats.Attached != uint64(len(s.sent)+2) {
			t.Fatalf("%d attached of %d", stats.Attached, len(s.sent))
		}
	}
	for _, name := range names {
		for _, policy := range []string{"", "weight", "oracles", "certified", "newest", "weight,oracles", "oracles,weight,certified"} {
			for _, until := range []uint64{0, start + rounds*round/2} {
				q := s.query(question{name: name, policy: policy, oracles: oracles, until: until, history: true})
				for _, n := range s.nodes[1:] {
					if a, b := s.nodes[0].answers(q), n.answers(q); a != b {
						t.Fatalf("%s by %q:\n%s---\n%s", name, policy, a, b)
					}
				}
			}
		}
	}
}
