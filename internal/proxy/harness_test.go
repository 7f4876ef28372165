package proxy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) {
	warmUp()
	goleak.VerifyTestMain(m)
}

// warmUp makes what package protocol makes once: it must not be part of a bubble with a fake clock.
func warmUp() {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "warm", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, testEpoch, rand.Reader)
	if err != nil {
		panic(err)
	}
	name, err := n.DeriveName("warm")
	if err != nil {
		panic(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	r, err := n.Compose(protocol.Draft{
		Owner: protocol.OwnerOf(key), Timestamp: testEpoch + 1, Value: []byte("warm"),
		Names: []protocol.NamePoint{{Name: name}}, Links: []protocol.ID{n.Genesis()[0].ID(), n.Genesis()[1].ID()},
	})
	if err != nil {
		panic(err)
	}
	if _, err := n.Open(name.Mask(), r.SealingOf(), r.ValueBytes()); err != nil {
		panic(err)
	}
}

// testNode is a full node of a test's network. It is in sync, and tells the truth unless lie or
// lieOf changes what it answers.
type testNode struct {
	*apitest.Fake
	network *protocol.Network

	mu       sync.Mutex
	state    string
	other    *protocol.ID // the network that it says it is on
	down     error
	lie      func(q api.Query, honest *api.QueryResult) *api.QueryResult
	lieOf    func(honest *api.RecordInfo) *api.RecordInfo
	hidden   map[protocol.ID]bool
	gate     func(ctx context.Context) error // before each query
	gateOf   func(ctx context.Context) error // before each record
	database string
	// lieOfOwner changes what it says of an owner. recordsOf counts the records asked for.
	lieOfOwner func(info *api.OwnerInfo)
	recordsOf  int
}

func (n *testNode) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	info, err := n.Fake.Owner(ctx, q)
	if err == nil && n.lieOfOwner != nil {
		n.lieOfOwner(info)
	}
	return info, err
}

// recordsAsked returns for how many records the node was asked since the last call.
func (n *testNode) recordsAsked() (count int) {
	n.change(func() { count, n.recordsOf = n.recordsOf, 0 })
	return count
}

func (n *testNode) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

func (n *testNode) Status(ctx context.Context) (*api.Status, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down != nil {
		return nil, n.down
	}
	s, err := n.Fake.Status(ctx)
	if err == nil {
		s.Sync.State, s.Storage.Database = n.state, n.database
		if n.other != nil {
			s.Network.ID = *n.other
		}
	}
	return s, err
}

func (n *testNode) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	n.mu.Lock()
	down, gate, lie := n.down, n.gate, n.lie
	n.mu.Unlock()
	if down != nil {
		return nil, down
	}
	if gate != nil {
		if err := gate(ctx); err != nil {
			return nil, err
		}
	}
	result, err := n.Fake.Query(ctx, q)
	if err == nil && lie != nil {
		result = lie(q, result)
	}
	return result, err
}

func (n *testNode) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	n.mu.Lock()
	gate := n.gateOf
	n.mu.Unlock()
	if gate != nil {
		if err := gate(ctx); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down != nil {
		return nil, n.down
	}
	n.recordsOf++
	info, err := n.Fake.Record(ctx, id)
	if err == nil {
		info.Hidden = info.Hidden || n.hidden[id]
		if n.lieOf != nil {
			info = n.lieOf(info)
		}
	}
	if err == nil && info == nil {
		return nil, api.NotFound("no such record")
	}
	return info, err
}

// world is a network with full nodes that hold the same records, and a proxy of them.
type world struct {
	testing.TB
	network *protocol.Network
	nodes   []*testNode
	proxy   *Service
}

// tester is what a world needs of a test, or of a property's case.
type tester interface {
	Helper()
	Fatal(args ...any)
}

func newNetwork(t tester, change ...func(*protocol.Params)) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "test", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	for _, f := range change {
		f(&p)
	}
	always := mathrand.NewChaCha8([32]byte{}) // so that a failed test fails again
	n, err := protocol.NewNetwork(p, uint64(testEpoch), always)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testEpoch is when the networks of tests begin: before the time at which fake clocks start.
const testEpoch = 900_000_000_000

func newWorld(t testing.TB, nodes int, change ...func(*Config)) *world {
	t.Helper()
	return newWorldOn(t, newNetwork(t), nodes, change...)
}

func newWorldOn(t testing.TB, network *protocol.Network, nodes int, change ...func(*Config)) *world {
	t.Helper()
	w := &world{TB: t, network: network}
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Home: h, Network: w.network}
	for i := range nodes {
		c.Nodes = append(c.Nodes, NodeAddress{Address: fmt.Sprintf("http://node%d.example:9980", i)})
	}
	for _, f := range change {
		f(&c)
	}
	w.network = c.Network
	if c, err = c.withDefaults(); err != nil {
		t.Fatal(err)
	}
	if w.proxy, err = newService(&c, prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	w.proxy.secondLook = 0
	for i := range nodes {
		fake, err := apitest.NewFakeThatVerifies(w.network, verifyWork)
		if err != nil {
			t.Fatal(err)
		}
		n := &testNode{Fake: fake, network: w.network, state: api.SyncSynced, database: fmt.Sprint("database ", i)}
		w.nodes = append(w.nodes, n)
		w.proxy.nodes.list[i].client = n
	}
	return w
}

// owner is who signs records of a test.
type owner struct{ ed25519.PrivateKey }

func newOwner(t tester) owner {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return owner{key}
}

func (o owner) id() protocol.Owner { return protocol.OwnerOf(o.PrivateKey) }

// record makes a signed record at a time after the network's beginning, linked to the genesis
// unless links say otherwise.
func (w *world) record(o owner, at uint64, d protocol.Draft, names ...string) *protocol.Record {
	w.Helper()
	d.Owner, d.Timestamp = o.id(), testEpoch+at
	for i := 0; len(d.Links) < int(w.network.Params().MinLinks); i++ {
		d.Links = append(d.Links, w.network.Genesis()[i].ID())
	}
	for _, name := range names {
		e, err := protocol.ParseExpression(name)
		if err != nil {
			w.Fatal(err)
		}
		derived, err := w.network.DeriveName(e.Name)
		if err != nil {
			w.Fatal(err)
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: derived, Ordinal: e.From})
	}
	r, err := w.network.Compose(d)
	if err != nil {
		w.Fatal(err)
	}
	if r, err = w.network.Sign(r, o.PrivateKey); err != nil {
		w.Fatal(err)
	}
	return r
}

// spread gives records to nodes; without any, to all.
func (w *world) spread(records []*protocol.Record, to ...*testNode) {
	w.Helper()
	if len(to) == 0 {
		to = w.nodes
	}
	for _, n := range to {
		for _, r := range records {
			if done, err := n.Submit(w.Context(), r.EncodeFrame()); err != nil || done.State != api.StateAttached {
				w.Fatalf("%+v, %v", done, err)
			}
		}
	}
}

func about(expressions ...string) api.Query {
	return api.Query{Selectors: api.MustSelectors(expressions...), Decrypt: true}
}

var errDown = &api.UnreachableError{URL: "http://node.example", Err: syscall.ECONNREFUSED}
