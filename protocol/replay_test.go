package protocol_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// TestWorkPaysForOneRecord puts one record's real work under everything else that an attacker would
// like to have paid with it. Each of the others is right but for its work.
func TestWorkPaysForOneRecord(t *testing.T) {
	t.Parallel()
	paid := func(p *protocol.Params) { p.WorkPerKiB = 32 }
	n, foreign := testNetwork(t, paid), testNetwork(t, paid)
	key, stranger := testKey(t), testKey(t)
	solve := func(challenge []byte, effort uint32) (protocol.Work, error) {
		p, err := pow.Solve(context.Background(), challenge, effort, 1, nil)
		return protocol.Work{Nonce: p.Nonce, Solution: p.Solution, Effort: effort}, err
	}
	two := func(n *protocol.Network, owner ed25519.PrivateKey) protocol.Draft {
		d := draft(t, n, protocol.OwnerOf(owner), "value")
		name, err := n.DeriveName("bad")
		if err != nil {
			t.Fatal(err)
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: name, Ordinal: 7})
		return d
	}
	original, err := n.Pay(compose(t, n, key, two(n, key)), 0, solve)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Check(original, verifyWork); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*protocol.Draft)) *protocol.Record {
		d := two(n, key)
		change(&d)
		return compose(t, n, key, d)
	}
	for name, c := range map[string]struct {
		network *protocol.Network
		record  *protocol.Record
	}{
		"another value":     {n, changed(func(d *protocol.Draft) { d.Value = []byte("eulav") })},
		"another time":      {n, changed(func(d *protocol.Draft) { d.Timestamp++ })},
		"another ordinal":   {n, changed(func(d *protocol.Draft) { d.Names[1].Ordinal++ })},
		"swapped selectors": {n, changed(func(d *protocol.Draft) { d.Names[0], d.Names[1] = d.Names[1], d.Names[0] })},
		"a tombstone":       {n, changed(func(d *protocol.Draft) { d.Value = nil })},
		"another owner":     {n, compose(t, n, stranger, two(n, stranger))},
		"another network":   {foreign, compose(t, foreign, key, two(foreign, key))},
	} {
		h := c.record.Header
		h.Work = &protocol.Work{Nonce: original.Work.Nonce, Solution: original.Work.Solution, Effort: max(original.Work.Effort, c.network.RequiredEffort(c.record))}
		moved, err := protocol.NewRecord(h, c.record.ValueBytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.network.Check(moved, verifyWork); ruleOf(err) != protocol.RuleWork {
			t.Errorf("%s: %v, want the work refused", name, err)
		}
		// With work of its own it is valid: nothing else was wrong with it.
		own, err := c.network.Pay(c.record, 0, solve)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.network.Check(own, verifyWork); err != nil {
			t.Errorf("%s, with its own work: %v", name, err)
		}
	}
	h := original.Header
	h.Signature[0] ^= 1
	resigned, err := protocol.NewRecord(h, original.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Check(resigned, verifyWork); ruleOf(err) != protocol.RuleWork {
		t.Errorf("another signature: %v, want the work refused", err)
	}
}
