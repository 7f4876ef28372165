package lfsync

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	libmetrics "github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/push"
)

// pushMeter counts the bytes of a host's push streams.
type pushMeter struct {
	libmetrics.BandwidthCounter // answers what nobody asks
	name                        libprotocol.ID
	// both is what it sent and read. On streams that it opened, that includes what it takes to
	// agree on the protocol.
	both atomic.Int64
	// sent is what it sent, and all that it sent to agree on protocols: whoever accepts a stream
	// does so before it has one.
	sent atomic.Int64
}

// LogSentMessageStream implements metrics.Reporter, as do the other methods.
func (m *pushMeter) LogSentMessageStream(n int64, p libprotocol.ID, _ peer.ID) {
	if p == m.name {
		m.both.Add(n)
	}
	if p == m.name || p == "" {
		m.sent.Add(n)
	}
}

func (m *pushMeter) LogRecvMessageStream(n int64, p libprotocol.ID, _ peer.ID) {
	if p == m.name {
		m.both.Add(n)
	}
}

func (m *pushMeter) LogSentMessage(int64) {}
func (m *pushMeter) LogRecvMessage(int64) {}

// metered makes a node that can push, and measures it. Without PubSub options it does not gossip.
func (w *world) metered(t testing.TB, options ...pubsub.Option) (*node, *pushMeter) {
	t.Helper()
	m := &pushMeter{name: push.Service.ID(w.network)}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.BandwidthReporter(m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	n := w.newNode(t, func(c *Config) {
		c.Host, c.PubSub = &farHost{Host: h, far: map[peer.ID]bool{}}, nil
		if options != nil {
			c.PubSub = newPubSub(t, h, append(PubSubOptions(w.network, nil), options...)...)
		}
	})
	n.host = h
	return n, m
}

// pushTo has a node push to another from now on.
func (n *node) pushTo(t testing.TB, h host.Host) {
	t.Helper()
	n.Sync.host.(*farHost).isFar(h.ID())
	connect(t, n.host, h)
	eventually(t, "it is pushed to", func() bool {
		n.look(h.ID())
		_, _, relayed := n.pushes.Waiting(h.ID())
		return relayed
	})
}

// farHost is a host that reaches some peers through a relay only, as far as its Sync can see.
type farHost struct {
	host.Host
	mu  sync.Mutex
	far map[peer.ID]bool
}

func (h *farHost) isFar(p peer.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.far[p] = true
}

func (h *farHost) Network() network.Network { return farNetwork{h.Host.Network(), h} }

type farNetwork struct {
	network.Network
	host *farHost
}

func (n farNetwork) Connectedness(p peer.ID) network.Connectedness {
	n.host.mu.Lock()
	defer n.host.mu.Unlock()
	if c := n.Network.Connectedness(p); c != network.Connected || !n.host.far[p] {
		return c
	}
	return network.Limited
}

func sizeOf(records []*protocol.Record) (n int) {
	for _, r := range records {
		n += len(r.EncodeFrame())
	}
	return n
}

// homes is a network of nodes behind routers: they gossip with a few public nodes, and reach each
// other through relays only.
type homes struct {
	world  *world
	nodes  []*node
	meters []*pushMeter
}

func newHomes(t testing.TB, count, publics int) *homes {
	t.Helper()
	w := newWorld(t, nil)
	h := &homes{world: w}
	public := make([]*node, publics)
	for i := range public {
		public[i] = w.newNode(t, nil)
	}
	isPublic := func(p peer.ID, _ string) bool {
		return slices.ContainsFunc(public, func(n *node) bool { return n.host.ID() == p })
	}
	for i := 1; i < publics; i++ {
		connect(t, public[0].host, public[i].host)
	}
	for range count {
		n, m := w.metered(t, pubsub.WithPeerFilter(isPublic))
		for _, p := range public {
			connect(t, n.host, p.host)
		}
		h.nodes, h.meters = append(h.nodes, n), append(h.meters, m)
	}
	for i, a := range h.nodes {
		for _, b := range h.nodes[i+1:] {
			a.pushTo(t, b.host)
			b.pushTo(t, a.host)
		}
	}
	for _, n := range h.nodes {
		eventually(t, "a mesh", func() bool { return len(n.gossip.topic.ListPeers()) >= publics })
	}
	return h
}

// bytes is what the relays carry.
func (h *homes) bytes() (n int64) {
	for _, m := range h.meters {
		n += m.sent.Load()
	}
	return n
}

// write has the homes write by turns, and returns when all have it.
func (h *homes) write(t testing.TB, records int, pause time.Duration) (size int) {
	var all []*protocol.Record
	for i := range records {
		r := h.world.record(t)
		h.nodes[i%len(h.nodes)].submit(t, r)
		all = append(all, r)
		time.Sleep(pause)
	}
	for _, n := range h.nodes {
		eventually(t, "all have it", func() bool {
			return !slices.ContainsFunc(all, func(r *protocol.Record) bool { return n.store.State(r.ID()) != Attached })
		})
	}
	time.Sleep(time.Second) // what is pushed late
	return sizeOf(all)
}

// BenchmarkPushAmongHomes tells how many bytes relays carry for each byte of records, between ten
// homes that gossip by way of two public nodes.
func BenchmarkPushAmongHomes(b *testing.B) {
	for _, pause := range []time.Duration{300 * time.Millisecond, 5 * time.Millisecond} {
		b.Run("every "+pause.String(), func(b *testing.B) {
			h := newHomes(b, 10, 2)
			begin := h.bytes()
			size, records := 0, 0
			for b.Loop() {
				size += h.write(b, 40, pause)
				records += 40
			}
			carried := float64(h.bytes() - begin)
			b.ReportMetric(carried/float64(records), "relayed-B/record")
			b.ReportMetric(carried/float64(size), "relayed-B/B")
			b.ReportMetric(float64(size)/float64(records), "B/record")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestPushBytes holds what pushing costs: little for what the peer has, and for what it lacks
// little more than the records.
func TestPushBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, c := range []struct {
		name    string
		has     int // how many of the records the peer has
		records int
		most    int // bytes apart from the records that it lacks
	}{
		{"one that it has", 1, 1, 350},
		{"one that it lacks", 0, 1, 350},
		{"many that it has", 60, 60, 350 + 60*33},
		{"many that it lacks", 0, 60, 350 + 60*37},
		{"half of them", 30, 60, 350 + 60*35},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, meter := w.metered(t)
			b := w.newNode(t, nil)
			records := w.chain(t, c.records)
			b.load(t, records[:c.has]...)
			a.pushTo(t, b.host)
			before := meter.both.Load()
			for _, n := range newsOf(records...) {
				a.pushes.Offer(n, "")
			}
			eventually(t, "all was announced", func() bool {
				return a.pushesOf("unwanted") == c.has && a.pushesOf("sent") == c.records-c.has
			})
			got := int(meter.both.Load() - before)
			lacking := sizeOf(records[c.has:])
			t.Logf("%d bytes for %d records of %d bytes, of which the peer lacks %d of %d bytes", got, c.records, sizeOf(records), c.records-c.has, lacking)
			if got > lacking+c.most {
				t.Errorf("%d bytes, want at most %d", got, lacking+c.most)
			}
		})
	}
}
