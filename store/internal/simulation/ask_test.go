package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// question asks for what stands under one name.
type question struct {
	name    string
	policy  string   // "": the default
	oracles []person // elected
	until   uint64
	history bool
}

func (q question) String() string {
	return fmt.Sprintf("%s by %q", q.name, q.policy)
}

func (w *world) query(q question) store.Query {
	query := store.Query{
		Where: []store.Range{{Key: w.selector(q.name)}}, Until: q.until, History: q.history, Explain: true,
	}
	if q.policy != "" {
		p, err := protocol.ParsePolicy(q.policy)
		if err != nil {
			panic(err)
		}
		query.Policy = p
	}
	for _, o := range q.oracles {
		query.Oracles = append(query.Oracles, o.owner)
	}
	return query
}

// ask returns the answer with its reasons; without claims when there is none. The short answer,
// without reasons, must be the same.
func (n *node) ask(q question) store.Answer {
	n.t.Helper()
	query := n.query(q)
	full, err := n.store.Query(context.Background(), query)
	if err != nil {
		n.t.Fatal(err)
	}
	query.Explain = false
	short, err := n.store.Query(context.Background(), query)
	if err != nil {
		n.t.Fatal(err)
	}
	if len(full.Keys) != len(short.Keys) || len(full.Keys) > 1 {
		n.t.Fatalf("%v: %d answers with reasons, %d without", q, len(full.Keys), len(short.Keys))
	}
	if len(full.Keys) == 0 {
		return store.Answer{}
	}
	if a, b := full.Keys[0].Claims[0], short.Keys[0].Claims[0]; a.Record.ID() != b.Record.ID() {
		n.t.Fatalf("%v: %s wins with reasons, %s without", q, n.nameOf(a.Owner), n.nameOf(b.Owner))
	}
	return full.Keys[0]
}

// claimOf returns somebody's claim in an answer, nil when it is not in it.
func claimOf(a store.Answer, p person) *store.Claim {
	i := slices.IndexFunc(a.Claims, func(c store.Claim) bool { return c.Owner == p.owner })
	if i < 0 {
		return nil
	}
	return &a.Claims[i]
}

// winner is the owner of the best claim, zero without one.
func (n *node) winner(q question) protocol.Owner {
	n.t.Helper()
	if a := n.ask(q); len(a.Claims) > 0 {
		return a.Claims[0].Owner
	}
	return protocol.Owner{}
}

// mustWin checks whose claim is the best at all of these nodes, or at all there are.
func (s *sim) mustWin(q question, who person, nodes ...*node) {
	s.t.Helper()
	if nodes == nil {
		nodes = s.nodes
	}
	for _, n := range nodes {
		if n.winner(q) != who.owner {
			s.t.Errorf("node %d, %v: want %s\n%s", slices.Index(s.nodes, n), q, who.name, s.explain(n.ask(q)))
		}
	}
}

func (w *world) explain(a store.Answer) string {
	var b strings.Builder
	for _, c := range a.Claims {
		fmt.Fprintf(&b, "  %-12s certified %-5v objections %d/%d weight %d first %v at %d lost by %q\n", w.nameOf(c.Owner),
			c.Standing.Certified, c.Standing.Objections, c.Standing.Elected, c.Standing.Weight, c.Standing.First, c.Standing.Timestamp, c.LostBy)
	}
	return b.String()
}

// says writes an oracle's commentary.
func (n *node) says(oracle person, words ...protocol.Word) *protocol.Record {
	n.t.Helper()
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.write(statement{by: oracle, kind: protocol.TypeCommentary, value: value})
}

func (w *world) objection(name string, to person) protocol.Word {
	return protocol.Word{Composite: w.composite(name), Owner: to.owner, Objects: true}
}
