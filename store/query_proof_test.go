package store

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// compareProofs finds out from the records that a store names, and from nothing else, what oracles
// and certificates say of each claim. That must be what its standing says.
func (f *fate) compareProofs(t *rapid.T, g *modelGraph, s *Store, q Query) {
	q.Explain, q.Prove = true, true
	have, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	among := append(slices.Clone(f.Authorities()), q.Authorities...)
	for i := range have.Keys {
		for j := range have.Keys[i].Claims {
			c := &have.Keys[i].Claims[j]
			if said := g.wordsProved(t, c, q); said != c.Standing.Objections {
				t.Fatalf("%d objections, and words of %d", c.Standing.Objections, said)
			}
			if certified := c.Proof.Certificate != (protocol.ID{}); certified != c.Standing.Certified || certified && len(c.Proof.Revoked) > 0 {
				t.Fatalf("certified %v, by %+v", c.Standing.Certified, c.Proof)
			}
			if c.Standing.Certified && !slices.ContainsFunc(goodFor(g.records[c.Proof.Certificate], c.Owner, c.Record.Timestamp, among), func(x good) bool { return !g.reached(x, c.Record) }) {
				t.Fatalf("record %s certifies nobody", c.Proof.Certificate)
			}
			for _, r := range c.Proof.Revoked {
				if !slices.ContainsFunc(goodFor(g.records[r.Certificate], c.Owner, c.Record.Timestamp, among), func(x good) bool {
					says, _ := x.revokes(g.records[r.Revocation])
					return len(says) > 0
				}) {
					t.Fatalf("record %s does not revoke %s", r.Revocation, r.Certificate)
				}
			}
		}
	}
}

// wordsProved counts the objections in the commentaries that a claim's proof names.
func (g *modelGraph) wordsProved(t *rapid.T, c *Claim, q Query) (objections int) {
	for _, w := range c.Proof.Words {
		r := g.records[w.Record]
		if r == nil || r.Owner != w.Oracle || !slices.Contains(q.Oracles, w.Oracle) ||
			!slices.Contains(r.Words(), protocol.Word{Composite: c.Record.CompositeID(), Owner: c.Owner, Objects: w.Objects}) {
			t.Fatalf("record %s does not say that: %+v", w.Record, w)
		}
		if w.Objects {
			objections++
		}
	}
	return objections
}
