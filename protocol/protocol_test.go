package protocol_test

import (
	"bytes"
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

func TestRoundTrip(t *testing.T) {
	n, key := testNetwork(t, nil), testKey(t)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "Bad Horse, Bad Horse"))
	if err := n.Check(r, noWork); err != nil {
		t.Fatal(err)
	}
	again, err := protocol.DecodeFrame(r.EncodeFrame())
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() != r.ID() || !bytes.Equal(again.EncodeFrame(), r.EncodeFrame()) {
		t.Fatal("a frame changed on its way")
	}
	name, _ := n.DeriveName("horse")
	plain, err := n.Open(name.Mask(), again.SealingOf(), again.ValueBytes())
	if err != nil || string(plain) != "Bad Horse, Bad Horse" {
		t.Fatalf("opened %q, %v", plain, err)
	}
	t.Logf("header %d bytes, value %d, required effort at 1024: %d", len(r.HeaderBytes()), len(r.ValueBytes()), r.WireSize()+128)
}

func TestNetworkFile(t *testing.T) {
	n := testNetwork(t, nil)
	f := n.File([]string{"/ip4/127.0.0.1/tcp/1"})
	again, err := f.Network()
	if err != nil || again.ID() != n.ID() {
		t.Fatalf("%v, %v", again, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	n, key := testNetwork(b, nil), testKey(b)
	frame := compose(b, n, key, draft(b, n, protocol.OwnerOf(key), "0123456789abcdef0123456789abcdef")).EncodeFrame()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.DecodeFrame(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	n, key := testNetwork(b, nil), testKey(b)
	r := compose(b, n, key, draft(b, n, protocol.OwnerOf(key), "0123456789abcdef0123456789abcdef"))
	b.ReportAllocs()
	for b.Loop() {
		if err := n.Check(r, noWork); err != nil {
			b.Fatal(err)
		}
	}
}
