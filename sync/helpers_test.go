package lfsync

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// world is a network and a writer on it.
type world struct {
	network *protocol.Network
	name    protocol.NameKey
	key     ed25519.PrivateKey

	mu     sync.Mutex // parallel subtests share a world
	time   uint64     // the newest timestamp given out
	serial int
}

func newWorld(t testing.TB, change func(*protocol.Params)) *world {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	begin := uint64(time.Now().Add(-time.Hour).UnixMilli())
	n, err := protocol.NewNetwork(p, begin, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name, err := n.DeriveName("horse")
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &world{network: n, name: name, key: key, time: begin}
}

// draft is a datum that links to these records, and as often as need be to the genesis.
func (w *world) draft(links ...*protocol.Record) protocol.Draft {
	w.mu.Lock()
	w.time++
	w.serial++
	timestamp, serial := w.time, w.serial
	w.mu.Unlock()
	d := protocol.Draft{
		Owner: protocol.OwnerOf(w.key), Timestamp: timestamp,
		Names: []protocol.NamePoint{{Name: w.name, Ordinal: 2}},
		Value: fmt.Appendf(nil, "Bad Horse, Bad Horse %d", serial),
	}
	for _, r := range links {
		d.Links = append(d.Links, r.ID())
	}
	for _, g := range w.network.Genesis() {
		if len(d.Links) < int(w.network.Params().MinLinks) {
			d.Links = append(d.Links, g.ID())
		}
	}
	return d
}

func (w *world) finish(t testing.TB, d protocol.Draft) *protocol.Record {
	t.Helper()
	r, err := w.network.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = w.network.Sign(r, w.key); err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) record(t testing.TB, links ...*protocol.Record) *protocol.Record {
	t.Helper()
	return w.finish(t, w.draft(links...))
}

// chain makes n records, each of which links to the one before it.
func (w *world) chain(t testing.TB, n int) []*protocol.Record {
	t.Helper()
	var chain []*protocol.Record
	for range n {
		var last []*protocol.Record
		if len(chain) > 0 {
			last = chain[len(chain)-1:]
		}
		chain = append(chain, w.record(t, last...))
	}
	return chain
}

func noWork([]byte, protocol.Work) error { return errors.New("no work expected") }

// node is a Sync with all that it needs.
type node struct {
	*Sync
	store *testStore
	host  host.Host
	drops *GossipDrops
}

// newHost makes a host that listens on loopback only.
func newHost(t testing.TB) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func newPubSub(t testing.TB, h host.Host, options ...pubsub.Option) *pubsub.PubSub {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	ps, err := pubsub.NewGossipSub(ctx, h, options...)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// newNode makes a node; change, where not nil, adjusts its configuration.
func (w *world) newNode(t testing.TB, change func(*Config)) *node {
	t.Helper()
	n := &node{store: newTestStore(w.network), host: newHost(t), drops: new(GossipDrops)}
	c := Config{
		Network: w.network, Store: n.store, Verify: noWork, Host: n.host, GossipDrops: n.drops,
		Registerer: prometheus.NewRegistry(), Logger: testLogger(t),
	}
	c.PubSub = newPubSub(t, n.host, append(append(PubSubOptions(w.network, nil), n.drops.Options()...), pubsub.WithLogger(c.Logger))...)
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	n.Sync = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func fetchOnly(c *Config) { c.PubSub = nil }

func testLogger(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return testlog.New(t, slog.LevelDebug)
}

func connect(t testing.TB, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

// load puts records straight into a node's store, as if it had had them for long.
func (n *node) load(t testing.TB, records ...*protocol.Record) {
	t.Helper()
	n.store.Load(records...)
}

func (n *node) submit(t testing.TB, r *protocol.Record) Ingested {
	t.Helper()
	in, err := n.Submit(t.Context(), r.EncodeFrame())
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// patience is how long a test waits for an event. A test that passes never waits so long, also on
// a machine whose cores are busy with something else.
const patience = 3 * time.Minute

// eventually waits for something that happens by itself.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// receive waits for a value from a channel.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("did not happen: %s", what)
	}
	panic("unreachable")
}

func streamProtocol(n *protocol.Network, name string) libprotocol.ID {
	return stream.Service{Name: name}.ID(n)
}

// The statuses of an answer's items on the wire (SPEC 14.2).
const statusComplete, statusPruned, statusDamaged = 1, 2, 4

func testID(name string) protocol.ID { return protocol.ID(sha256.Sum256([]byte(name))) }
