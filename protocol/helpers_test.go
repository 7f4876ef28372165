package protocol_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/lf-store/lf/protocol"
)

const testTime = 1_800_000_000_000

// testNetwork makes a network on which names cost little; change adjusts its parameters.
func testNetwork(t testing.TB, change func(*protocol.Params)) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	n, err := protocol.NewNetwork(p, testTime, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func testKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// draft is a plain datum under horse#2 that links to the genesis.
func draft(t testing.TB, n *protocol.Network, owner protocol.Owner, value string) protocol.Draft {
	t.Helper()
	name, err := n.DeriveName("horse")
	if err != nil {
		t.Fatal(err)
	}
	d := protocol.Draft{
		Owner:     owner,
		Timestamp: testTime + 1,
		Names:     []protocol.NamePoint{{Name: name, Ordinal: 2}},
		Value:     []byte(value),
	}
	for _, g := range n.Genesis() {
		d.Links = append(d.Links, g.ID())
	}
	return d
}

func compose(t testing.TB, n *protocol.Network, key ed25519.PrivateKey, d protocol.Draft) *protocol.Record {
	t.Helper()
	r, err := n.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = n.Sign(r, key); err != nil {
		t.Fatal(err)
	}
	return r
}

func noWork([]byte, protocol.Work) error { return errors.New("no work expected") }
