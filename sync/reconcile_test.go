package lfsync

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/reconcile"
)

// hasten shortens the times after which a node compares.
func (n *node) hasten() { n.reconciler.Hasten() }

// counterOf reads a counter.
func counterOf(c prometheus.Metric) int {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		panic(err)
	}
	return int(m.GetCounter().GetValue())
}

// sessions counts the sessions of our own that ended so.
func (n *node) sessions(result string) int {
	return counterOf(n.reconciler.Metrics()[0].(*prometheus.CounterVec).WithLabelValues("initiator", result))
}

// allSessions counts all that this node began.
func (n *node) allSessions() (sum int) {
	for _, result := range []string{"equal", "differing", "interrupted", "cut", "busy", "failed", "guilty"} {
		sum += n.sessions(result)
	}
	return sum
}

// ingested counts what came by fetch, by what became of it.
func (n *node) ingested(o Outcome) int {
	return counterOf(n.metrics.records.WithLabelValues(ViaFetch.String(), o.String()))
}

// bytes counts the bytes of comparisons.
func (n *node) bytes() (in, out int) {
	return counterOf(n.reconciler.Metrics()[2].(*prometheus.CounterVec).WithLabelValues("in")), counterOf(n.reconciler.Metrics()[2].(*prometheus.CounterVec).WithLabelValues("out"))
}

func sameSets(t testing.TB, nodes ...*node) {
	t.Helper()
	eventually(t, "the sets are equal", func() bool {
		for _, n := range nodes[1:] {
			a, b := nodes[0].Status().Sync, n.Status().Sync
			if a.Fingerprint != b.Fingerprint || a.Count != b.Count {
				return false
			}
		}
		return true
	})
}

// synced waits until nodes know that they are in sync.
func synced(t testing.TB, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		eventually(t, "a node knows that it is in sync", func() bool { return n.Status().Sync.State == StateSynced })
	}
}

// Two nodes that meet end with the same set, whatever either has, and both know.
func TestConverge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		both, here, there int
	}{
		{"equal", 50, 0, 0},
		{"nothing", 0, 0, 0},
		{"one here", 50, 1, 0},
		{"one there", 50, 0, 1},
		{"one each", 50, 1, 1},
		{"a thousand", 2000, 500, 500},
		{"disjoint", 0, 1500, 1500},
		{"a new node", 0, 0, 3000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
			both, here, there := w.chain(t, c.both), w.chain(t, c.here), w.chain(t, c.there)
			a.load(t, slices.Concat(both, here)...)
			b.load(t, slices.Concat(both, there)...)
			began := time.Now()
			connect(t, b.host, a.host)
			sameSets(t, a, b)
			took := time.Since(began)
			synced(t, a, b)
			t.Logf("equal after %s, known after %s", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
			st := a.Status().Sync
			if st.Peers != 1 || st.Agreeing != 1 || st.Missing != 0 || st.Progress.Total != 0 || !st.Ready ||
				st.Count != uint64(a.store.attached()) || time.Since(st.Agreed) > time.Minute {
				t.Errorf("%+v", st)
			}
		})
	}
}

// Comparing equal sets costs next to nothing, whatever their size.
func TestEqualSetsCostLittle(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	chain := w.chain(t, 1000)
	a.load(t, chain...)
	b.load(t, chain...)
	connect(t, a.host, b.host)
	synced(t, a, b)
	in, out := a.bytes()
	if sessions := a.sessions("equal") + b.sessions("equal"); sessions > 2 || in+out > 60*sessions {
		t.Errorf("%d sessions, %d bytes in, %d out", sessions, in, out)
	}
}

// A write made while no peer is there travels on the first connection, whoever dials.
func TestWrittenAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	ra, rb := w.record(t), w.record(t)
	a.submit(t, ra)
	b.submit(t, rb)
	connect(t, a.host, b.host)
	eventually(t, "each has what the other wrote", func() bool {
		return a.store.State(rb.ID()) == Attached && b.store.State(ra.ID()) == Attached
	})
}

// What gossip lost and nobody links is found by and by.
func TestGossipLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	connect(t, a.host, b.host)
	synced(t, a, b)
	a.hasten()
	b.hasten()
	for range 3 {
		lost := w.record(t)
		a.load(t, lost) // gossip knows nothing of it
		eventually(t, "it is found", func() bool { return b.store.State(lost.ID()) == Attached })
	}
	synced(t, a, b)
}

// Peers share one large backfill, and nothing is fetched twice.
func TestBackfillIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 4000)
	var peers []*node
	for range 3 {
		p := w.newNode(t, fetchOnly)
		p.load(t, chain...)
		peers = append(peers, p)
	}
	n := w.newNode(t, fetchOnly)
	var most atomic.Int64
	for _, p := range peers {
		connect(t, n.host, p.host)
	}
	sawProgress := false
	eventually(t, "all is here", func() bool {
		st := n.Status().Sync
		if pr := st.Progress; pr.Total > 0 && pr.Done > 0 && pr.Done <= pr.Total {
			sawProgress = true
			most.Store(max(most.Load(), int64(pr.Total)))
		}
		return n.store.attached() == peers[0].store.attached()
	})
	synced(t, n)
	eventually(t, "all is counted", func() bool { return n.ingested(Attached)+n.ingested(Pending) >= len(chain) })
	// On a machine that is busy a request can take so long that what it names is asked of another.
	given := n.requests("failed") * fetch.MaxAsked
	if fetched, twice := n.ingested(Attached)+n.ingested(Pending), n.ingested(Known); fetched != len(chain) || twice > given {
		t.Errorf("%d records fetched, %d of them twice", fetched, twice)
	}
	if want := int64(peers[0].store.attached()); !sawProgress || most.Load() != want {
		t.Errorf("progress told of %d records, there are %d", most.Load(), want)
	}
	for i, p := range peers {
		served := counterOf(p.limiter.Metrics()[0].(*prometheus.CounterVec).WithLabelValues("lf.fetch", "answered"))
		t.Logf("peer %d answered %d requests", i, served)
		if served < 5 {
			t.Error("a peer had no part in it")
		}
	}
}

// cutting breaks a stream off after a number of frames.
type cutting struct {
	network.Stream
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left--; c.left < 0 {
		_ = c.Reset()
		return 0, errors.New("cut")
	}
	return c.Stream.Write(p)
}

// A comparison that is cut over and over goes on where it was, and ends.
func TestCutSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	b.hasten()
	chain := w.chain(t, 5000)
	a.load(t, chain...)
	var streams atomic.Int32
	serve := a.limiter.Handler(reconcile.Service, a.reconciler.Serve)
	a.host.SetStreamHandler(reconcile.Service.ID(w.network), func(s network.Stream) {
		streams.Add(1)
		serve(&cutting{Stream: s, left: 2})
	})
	connect(t, b.host, a.host)
	eventually(t, "all is here", func() bool { return b.store.attached() == a.store.attached() })
	synced(t, b)
	listed := counterOf(b.reconciler.Metrics()[3].(prometheus.Counter))
	if b.sessions("cut") < 2 || listed > len(chain) {
		t.Errorf("%d streams, %d cut; %d records listed as unknown", streams.Load(), b.sessions("cut"), listed)
	}
}

// relayedPair makes two nodes that reach each other only through a relay, which passes this many
// bytes a connection.
func relayedPair(t *testing.T, w *world, limit int64) (a, b *node, dial func()) {
	t.Helper()
	r, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithLimit(&relay.RelayLimit{Duration: 2 * time.Minute, Data: limit})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	relayed := func() *node {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		n := w.newNode(t, func(c *Config) { c.PubSub, c.Host = nil, h })
		n.host = h
		n.hasten()
		return n
	}
	a, b = relayed(), relayed()
	connect(t, a.host, r)
	connect(t, b.host, r)
	if _, err := client.Reserve(t.Context(), a.host, peer.AddrInfo{ID: r.ID(), Addrs: r.Addrs()}); err != nil {
		t.Fatal(err)
	}
	return a, b, func() { dialThrough(t, b.host, r, a.host.ID()) }
}

// Two nodes that only a relay connects end with the same set, though it cuts them off again and
// again.
func TestRelayedSets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b, dial := relayedPair(t, w, 64<<10)
	here, there := w.chain(t, 600), w.chain(t, 600)
	a.load(t, here...)
	b.load(t, there...)
	dial()
	cuts := 0
	eventually(t, "the sets are equal", func() bool {
		if b.host.Network().Connectedness(a.host.ID()) == network.NotConnected {
			cuts++
			dial()
		}
		return a.Status().Sync.Fingerprint == b.Status().Sync.Fingerprint
	})
	t.Logf("the relay cut %d times; %d and %d sessions", cuts, a.allSessions(), b.allSessions())
	if cuts < 2 {
		t.Error("the relay did not cut")
	}
	for _, n := range []*node{a, b} {
		// what had not come when the relay cut is listed again
		if listed := counterOf(n.reconciler.Metrics()[3].(prometheus.Counter)); listed > 3*600 {
			t.Errorf("%d records were listed, 600 were missing", listed)
		}
	}
}

// A node that was stopped in the middle of a backfill goes on after its restart.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 4000)
	a := w.newNode(t, fetchOnly)
	a.load(t, chain...)
	store := newTestStore(w.network)
	h := newHost(t)
	first := w.newNode(t, func(c *Config) { c.PubSub, c.Store, c.Host = nil, store, h })
	connect(t, h, a.host)
	eventually(t, "a part is here", func() bool { return store.attached() > 500 })
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	had := store.attached()
	if had >= a.store.attached() {
		t.Skip("it was over before it was stopped")
	}
	second := w.newNode(t, func(c *Config) { c.PubSub, c.Store, c.Host = nil, store, h })
	eventually(t, "all is here", func() bool { return store.attached() == a.store.attached() })
	if fetched := second.ingested(Attached) + second.ingested(Pending); fetched > len(chain)+2-had {
		t.Errorf("%d records fetched after the restart, %d were missing", fetched, len(chain)+2-had)
	}
}

// slowScan is a store whose scan takes as long as the test wants.
type slowScan struct {
	*testStore
	over chan struct{}
}

func (s *slowScan) Scan(ctx context.Context, yield func([]Item) error) error {
	select {
	case <-s.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.testStore.Scan(ctx, yield)
}

// Before the set is rebuilt no comparison is begun, and a peer that asks for one is told to come
// later.
func TestNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	store := &slowScan{testStore: newTestStore(w.network), over: make(chan struct{})}
	a := w.newNode(t, func(c *Config) { c.PubSub, c.Store = nil, store })
	b := w.newNode(t, fetchOnly)
	b.load(t, w.chain(t, 10)...)
	b.hasten()
	connect(t, a.host, b.host)
	eventually(t, "b is told to come later", func() bool { return b.sessions("busy") > 1 })
	if st := a.Status().Sync; st.Ready || st.State != StateComparing || a.allSessions() > 0 {
		t.Errorf("%+v, %d sessions", st, a.allSessions())
	}
	if b.isGuilty(a.host.ID()) {
		t.Error("who cannot compare yet is blamed")
	}
	close(store.over)
	eventually(t, "the sets are equal", func() bool { return a.Status().Sync.Fingerprint == b.Status().Sync.Fingerprint })
}

// WaitSynced compares now, returns when what was found has come, and many at a time share their
// comparisons.
func TestWaitSynced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b, c := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	connect(t, a.host, b.host)
	connect(t, a.host, c.host)
	ctx, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()
	for range 3 {
		lost := w.record(t)
		b.load(t, lost)
		c.load(t, lost)
		began := time.Now()
		st, err := a.WaitSynced(ctx)
		if err != nil || st.State != StateSynced || a.store.State(lost.ID()) != Attached || st.Agreed.Before(began.Add(-time.Millisecond)) {
			t.Fatalf("%+v, %v", st, err)
		}
	}
	if at, ok := a.PeerAgreement(b.host.ID()); !ok || time.Since(at) > time.Minute {
		t.Error("no agreement with b", at)
	}
	if _, ok := a.PeerAgreement(newHost(t).ID()); ok {
		t.Error("an agreement with a stranger")
	}
	before := a.allSessions()
	var waiting sync.WaitGroup
	for range 100 {
		waiting.Go(func() {
			if _, err := a.WaitSynced(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	if n := a.allSessions() - before; n > 20 {
		t.Errorf("%d sessions for 100 who wait", n)
	}
}

// A caller without a peer to compare with is told so, and so is one whose node is not in sync.
func TestWaitSyncedInVain(t *testing.T) {
	w := newWorld(t, nil)
	offline, _ := w.offline(t, nil)
	if st, err := offline.WaitSynced(t.Context()); !errors.Is(err, ErrAlone) || st.State != StateOffline {
		t.Errorf("%+v, %v", st, err)
	}
	alone := w.newNode(t, fetchOnly)
	ctx, done := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer done()
	if st, err := alone.WaitSynced(ctx); !errors.Is(err, ErrAlone) || st.State != StateAlone {
		t.Errorf("%+v, %v", st, err)
	}
	store := &slowScan{testStore: newTestStore(w.network), over: make(chan struct{})}
	mute := w.newNode(t, func(c *Config) { c.PubSub, c.Store = nil, store })
	connect(t, alone.host, mute.host)
	eventually(t, "they met", func() bool { return alone.Status().Sync.Peers == 1 })
	ctx, done = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer done()
	if st, err := alone.WaitSynced(ctx); !errors.Is(err, ErrNotSynced) || !errors.Is(err, context.DeadlineExceeded) || st.State != StateComparing {
		t.Errorf("%+v, %v", st, err)
	}
	go func() { // Close ends who waits
		time.Sleep(50 * time.Millisecond)
		_ = alone.Close()
	}()
	if _, err := alone.WaitSynced(t.Context()); !errors.Is(err, ErrNotSynced) {
		t.Error(err)
	}
}

// A peer that went is no peer that agrees, and one that comes again is compared with again.
func TestComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	connect(t, a.host, b.host)
	synced(t, a, b)
	if err := a.host.Network().ClosePeer(b.host.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is alone", func() bool { st := a.Status().Sync; return st.State == StateAlone && st.Agreeing == 0 })
	r := w.record(t)
	b.load(t, r)
	connect(t, a.host, b.host)
	eventually(t, "what came meanwhile is here", func() bool { return a.store.State(r.ID()) == Attached })
	synced(t, a, b)
}

func FuzzSessionFrame(f *testing.F) {
	f.Add(reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 7, Message: []byte{0x61, 0, 0, 1}}))
	f.Add(reconcile.AppendEnvelope(nil, reconcile.Envelope{}))
	f.Add(reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: reconcile.MaxCount}))
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		fr, err := reconcile.ReadEnvelope(bytes.NewReader(data))
		switch {
		case err == nil:
			if again := reconcile.AppendEnvelope(nil, fr); fr.Count >= reconcile.MaxCount || len(fr.Message) > reconcile.MaxMessage || !bytes.HasPrefix(data, again) {
				t.Errorf("%x was read as %+v", data, fr)
			}
		case len(data) == 0 && !errors.Is(err, io.EOF):
			t.Error(err)
		}
	})
}
