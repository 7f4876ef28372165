package simulation

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	seeded "math/rand/v2"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/memstore"
	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// settings are what a world is made of.
type settings struct {
	topology  topology
	latency   latencies // one way
	bandwidth int       // of each node's line and direction, bits/s
	loss      float64   // of each datagram
	maxValue  uint32    // of the network
	gossip    gossipLoss
	options   []pubsub.Option // apart from those of a node
	optionsOf func(node int) []pubsub.Option
	isSeed    func(peer.ID) bool  // of all nodes
	relayed   func(node int) bool // reached through a relay only; nil: none is
	redial    time.Duration       // between tries to reach a neighbor that is not there
	seed      uint64
}

// gossipLoss is the part of gossip that a node does not take in. What it loses is whole messages:
// QUIC repairs what the wire loses.
type gossipLoss func(node int) float64

// ordinary are the settings of tests that say nothing else: homes and small servers, up to about
// 200 ms of round trip.
func ordinary(t topology) settings {
	return settings{
		topology: t, latency: scattered(5*time.Millisecond, 100*time.Millisecond), bandwidth: 20_000_000,
		maxValue: 2 << 10, redial: 5 * time.Second, seed: *flagSeed,
	}
}

// world is a network of nodes on a simulated wire, in a bubble of fake time.
type world struct {
	t       *testing.T
	config  settings
	net     *simnet.Simnet
	wire    wire
	network *protocol.Network
	name    protocol.NameKey
	journal *journal
	nodes   []*node
	luck    *seeded.Rand // of the test's goroutine
}

// node is a Sync with all that it needs, on and off.
type node struct {
	world     *world
	index     int
	identity  crypto.PrivKey
	owner     ed25519.PrivateKey
	neighbors []int // whom it dials
	store     *memstore.Store
	traffic   *traffic
	gossip    *gossipCounts
	ahead     time.Duration // of its clock

	// What it has while it runs.
	host   *simHost
	pubsub *pubsub.PubSub
	sync   *lfsync.Sync
	stop   func() error
}

// newWorld makes a world whose nodes do not run yet.
func newWorld(t *testing.T, c settings) *world {
	t.Helper()
	w := &world{t: t, config: c, luck: seeded.New(seeded.NewPCG(c.seed, 0))}
	var err error
	if w.network, w.name, err = newNetwork(c.maxValue, uint64(time.Now().UnixMilli())); err != nil {
		t.Fatal(err)
	}
	w.journal = newJournal(c.topology.nodes)
	w.set(func(*conditions) {})
	w.net = &simnet.Simnet{Logger: slog.New(slog.DiscardHandler), LatencyFunc: func(p *simnet.Packet) time.Duration {
		return w.wire.conditions.Load().latency(indexOf(p.From), indexOf(p.To))
	}}
	w.net.Start()
	t.Cleanup(w.net.Close)
	for i := range c.topology.nodes {
		w.nodes = append(w.nodes, w.newNode(i))
	}
	return w
}

// newNetwork makes a network that asks for no work, and a name to write under.
func newNetwork(maxValue uint32, begin uint64) (*protocol.Network, protocol.NameKey, error) {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.MaxValue = "simulation", 0, maxValue
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, begin, rand.Reader)
	if err != nil {
		return nil, protocol.NameKey{}, err
	}
	name, err := n.DeriveName("horse")
	return n, name, err
}

// must turns an error into the end of the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) newNode(index int) *node {
	_, owner, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{
		world: w, index: index, identity: key, owner: owner, neighbors: w.config.topology.dials[index],
		store: memstore.New(w.network), traffic: newTraffic(), gossip: new(gossipCounts),
	}
	n.store.Follow(func(items []lfsync.Item) { w.journal.attached(index, items) })
	w.t.Cleanup(func() {
		if err := n.close(); err != nil {
			w.t.Errorf("close node %d: %v", index, err)
		}
	})
	return n
}

// set changes the wire's conditions.
func (w *world) set(change func(*conditions)) {
	c := conditions{loss: w.config.loss, latency: w.config.latency(w.config.seed)}
	if old := w.wire.conditions.Load(); old != nil {
		c = *old
	}
	change(&c)
	w.wire.conditions.Store(&c)
}

// start starts these nodes, all where none is named, and waits until everybody is connected to its
// neighbors.
func (w *world) start(nodes ...*node) {
	w.t.Helper()
	if len(nodes) == 0 {
		nodes = w.nodes
	}
	for _, n := range nodes {
		if err := n.open(); err != nil {
			w.t.Fatalf("start node %d: %v", n.index, err)
		}
	}
	for _, n := range nodes {
		w.await(time.Minute, "node is connected", n.connected)
	}
}

// await waits, in fake time, until something is so.
func (w *world) await(atMost time.Duration, what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(atMost); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not after %v: %s", atMost, what)
		}
	}
}

// open starts a node.
func (n *node) open() (err error) {
	w := n.world
	var closing closers
	defer func() {
		if err != nil {
			err = errors.Join(err, closing.run())
		}
	}()
	if n.host, err = w.newHost(n.identity, n.index, n.traffic); err != nil {
		return err
	}
	closing.add(n.host.Close)
	drops := new(lfsync.GossipDrops)
	config := lfsync.Config{
		Network: w.network, Store: n.store, Host: n.host, GossipDrops: drops,
		Verify: func([]byte, protocol.Work) error { return errors.New("no work expected") },
		Clock:  n.now,
	}
	ctx, stop := context.WithCancel(context.Background())
	closing.add(func() error { stop(); return nil })
	// What node.startSync does.
	options := append(lfsync.PubSubOptions(w.network, w.config.isSeed), drops.Options()...)
	options = append(options, pubsub.WithRawTracer(n.gossip), pubsub.WithLogger(slog.New(slog.DiscardHandler)))
	if w.config.gossip != nil {
		options = append(options, pubsub.WithAppSpecificRpcInspector(n.lose(drops.Inspect)))
	}
	options = append(options, w.config.options...)
	if w.config.optionsOf != nil {
		options = append(options, w.config.optionsOf(n.index)...)
	}
	if config.PubSub, err = pubsub.NewGossipSub(ctx, n.host, options...); err != nil {
		return err
	}
	n.pubsub = config.PubSub
	if n.sync, err = lfsync.New(config); err != nil {
		return err
	}
	closing.add(n.sync.Close)
	if err = n.host.listen(); err != nil {
		return err
	}
	var dialing sync.WaitGroup
	dialing.Go(func() { n.keepConnected(ctx) })
	closing.add(func() error { stop(); dialing.Wait(); return nil })
	n.stop = closing.run
	return nil
}

// now is what the node's clock shows.
func (n *node) now() time.Time { return time.Now().Add(n.ahead) }

var errLost = errors.New("lost")

// lose makes a node deaf to part of the gossip: to messages and to what says that there are some.
func (n *node) lose(rest func(peer.ID, *pubsub.RPC) error) func(peer.ID, *pubsub.RPC) error {
	var mu sync.Mutex
	luck := seeded.New(seeded.NewPCG(n.world.config.seed, uint64(n.index)<<16))
	part := n.world.config.gossip(n.index)
	return func(p peer.ID, rpc *pubsub.RPC) error {
		mu.Lock()
		defer mu.Unlock()
		if tells := len(rpc.GetPublish()) > 0 || len(rpc.GetControl().GetIhave()) > 0; tells && luck.Float64() < part {
			return errLost
		}
		return rest(p, rpc)
	}
}

// closers undo, the last one first.
type closers []func() error

func (c *closers) add(undo func() error) { *c = append(*c, undo) }

func (c *closers) run() error {
	var errs []error
	for i := range *c {
		errs = append(errs, (*c)[len(*c)-1-i]())
	}
	*c = nil
	return errors.Join(errs...)
}

// close stops a node. Its store stays, so that it can be opened again.
func (n *node) close() error {
	if n.stop == nil {
		return nil
	}
	err := n.stop()
	n.stop, n.host, n.pubsub, n.sync = nil, nil, nil, nil
	return err
}

// keepConnected does what the node's keeper of seeds does, at a steady pace.
func (n *node) keepConnected(ctx context.Context) {
	var dialing sync.WaitGroup
	defer dialing.Wait()
	for _, i := range n.neighbors {
		luck := seeded.New(seeded.NewPCG(n.world.config.seed, uint64(n.index)<<32|uint64(i)))
		dialing.Go(func() {
			for ctx.Err() == nil {
				if !n.linked(i) {
					n.dial(ctx, i)
				}
				pause := n.world.config.redial
				select {
				case <-ctx.Done():
				case <-time.After(pause/2 + time.Duration(luck.Int64N(int64(pause)))):
				}
			}
		})
	}
}

func (n *node) linked(to int) bool {
	id := must(peer.IDFromPrivateKey(n.world.nodes[to].identity))(n.world.t)
	c := n.host.Network().Connectedness(id)
	return c == network.Connected || c == network.Limited
}

func (n *node) dial(ctx context.Context, to int) {
	id := must(peer.IDFromPrivateKey(n.world.nodes[to].identity))(n.world.t)
	ctx, done := context.WithTimeout(network.WithAllowLimitedConn(ctx, "a neighbor"), 5*time.Second)
	defer done()
	n.host.swarm().Backoff().Clear(id)
	// that it failed is seen by linked
	_ = n.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{multiaddr(to)}})
}

// connected reports whether the node has a connection to each neighbor that runs.
func (n *node) connected() bool {
	for _, i := range n.neighbors {
		if n.world.nodes[i].stop != nil && !n.linked(i) {
			return false
		}
	}
	return true
}
