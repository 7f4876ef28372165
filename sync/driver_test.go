package lfsync

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/protocol"
)

// A record that gossip lost is found by the link of a later one.
func TestMissingAncestorIsFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	connect(t, b.host, a.host)
	eventually(t, "b knows a", func() bool {
		return b.Status().Peers == 1 && len(a.gossip.topic.ListPeers()) == 1
	})
	lost := w.record(t)
	a.load(t, lost)
	child := w.record(t, lost)
	a.submit(t, child)
	eventually(t, "both are attached", func() bool { return b.store.State(child.ID()) == Attached && b.store.State(lost.ID()) == Attached })
}

// After a restart the scheduler learns from the store what pending records wait for.
func TestRefillAfterRestart(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 50)
	a := w.newNode(t, fetchOnly)
	a.load(t, chain[:40]...)
	store := newTestStore(w.network)
	if _, err := store.Put(t.Context(), chain[40], 0); err != nil {
		t.Fatal(err)
	}
	b := w.newNode(t, func(c *Config) { c.PubSub, c.Store = nil, store })
	eventually(t, "the missing record is wanted", func() bool { return b.Status().Wanted == 1 })
	connect(t, b.host, a.host)
	eventually(t, "the pending record is attached", func() bool { return store.State(chain[40].ID()) == Attached })
}

// Several peers with parts of the data give the whole.
func TestSeveralPeers(t *testing.T) {
	w := newWorld(t, nil)
	var layers [][]*protocol.Record
	for range 12 {
		var layer []*protocol.Record
		for range 8 {
			var links []*protocol.Record
			if len(layers) > 0 {
				last := layers[len(layers)-1]
				links = []*protocol.Record{last[w.serial%8], last[(w.serial+3)%8]}
			}
			layer = append(layer, w.record(t, links...))
		}
		layers = append(layers, layer)
	}
	parts := []*node{w.newNode(t, fetchOnly), w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)}
	n := w.newNode(t, fetchOnly)
	for i, layer := range layers {
		for j, r := range layer {
			parts[(i+j)%len(parts)].load(t, r)
		}
	}
	for _, p := range parts {
		connect(t, n.host, p.host)
	}
	for _, r := range layers[len(layers)-1] {
		n.wantNow(r.ID())
	}
	top := layers[len(layers)-1][0].ID()
	eventually(t, "all is attached", func() bool { return n.store.State(top) == Attached && n.Status().Wanted == 0 })
}

// Held records are stored when their time comes.
func TestRelease(t *testing.T) {
	w := newWorld(t, nil)
	var ahead atomic.Int64
	s, store := w.offline(t, func(c *Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	d := w.draft()
	d.Timestamp = uint64(time.Now().Add(time.Hour).UnixMilli())
	r := w.finish(t, d)
	if in, err := s.Ingest(t.Context(), r.EncodeFrame(), Local); err != nil || in.Outcome != Held {
		t.Fatalf("%s, %v", in.Outcome, err)
	}
	s.release()
	if store.State(r.ID()) != Held {
		t.Fatal("released before its time")
	}
	ahead.Store(int64(time.Hour))
	s.release()
	if store.State(r.ID()) != Attached {
		t.Fatal("not released")
	}
}

// A peer that is reached only through a relay is fetched from, across the relay's cuts.
func TestRelayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	relay, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	relayed := func() *node {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		return w.newNode(t, func(c *Config) { c.PubSub, c.Host = nil, h })
	}
	a, b := relayed(), relayed()
	aHost, bHost := a.Sync.host, b.Sync.host
	connect(t, aHost, relay)
	connect(t, bHost, relay)
	if _, err := client.Reserve(t.Context(), aHost, peer.AddrInfo{ID: relay.ID(), Addrs: relay.Addrs()}); err != nil {
		t.Fatal(err)
	}
	chain := w.chain(t, 600) // about 300 KiB; the relay cuts at 128
	a.load(t, chain...)
	dial := func() { dialThrough(t, bHost, relay, aHost.ID()) }
	dial()
	cuts := 0
	eventually(t, "the chain comes through the relay", func() bool {
		if bHost.Network().Connectedness(aHost.ID()) == network.NotConnected {
			cuts++
			dial()
		}
		for _, c := range bHost.Network().ConnsToPeer(aHost.ID()) {
			if !c.Stat().Limited {
				t.Fatal("the connection is direct")
			}
		}
		return b.store.State(chain[len(chain)-1].ID()) == Attached
	})
	t.Logf("the relay cut %d times", cuts)
}

func dialThrough(t testing.TB, from, relay host.Host, to peer.ID) {
	t.Helper()
	addr, err := ma.NewMultiaddr("/p2p/" + relay.ID().String() + "/p2p-circuit")
	if err != nil {
		t.Fatal(err)
	}
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	if err := from.Connect(ctx, peer.AddrInfo{ID: to, Addrs: []ma.Multiaddr{addr}}); err != nil {
		t.Log(err) // it is dialed again
		time.Sleep(100 * time.Millisecond)
	}
}

// Peers are counted while they are connected and speak the protocol.
func TestPeers(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	connect(t, a.host, newHost(t)) // speaks nothing of ours
	connect(t, a.host, newWorld(t, nil).newNode(t, fetchOnly).host)
	connect(t, a.host, b.host)
	eventually(t, "one peer", func() bool { return a.Status().Peers == 1 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it stopped speaking it", func() bool { return a.Status().Peers == 0 })
}

// Close ends what is under way, also while peers ask and the store is slow; a closed Sync does
// nothing more.
func TestClose(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 200)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	a.load(t, chain...)
	b.store.onPut = func() { time.Sleep(5 * time.Millisecond) }
	connect(t, b.host, a.host)
	eventually(t, "records come", func() bool { return b.Status().Fetches > 0 })
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(b.Close(), b.Close(), a.Close()) }()
	if err := receive(t, "they close", closed); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Submit(t.Context(), chain[0].EncodeFrame()); err != nil {
		t.Errorf("what is submitted after Close is still stored: %v", err)
	}
}

// Two of one registry do not fit; after Close there is room again.
func TestMetrics(t *testing.T) {
	w := newWorld(t, nil)
	registry := prometheus.NewRegistry()
	c := Config{Network: w.network, Store: newTestStore(w.network), Verify: noWork, Registerer: registry}
	first, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err == nil {
		t.Fatal("registered twice")
	}
	if _, err := first.Submit(context.Background(), w.record(t).EncodeFrame()); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
		if f.GetName() == "lf_sync_ingested_total" && f.GetMetric()[0].GetCounter().GetValue() != 1 {
			t.Error("one record came in")
		}
	}
	for _, want := range []string{"lf_sync_ingested_total", "lf_sync_peers", "lf_sync_wanted", "lf_sync_dropped_total", "lf_sync_fetch_seconds"} {
		if !strings.Contains(strings.Join(names, " "), want) {
			t.Errorf("no metric %s in %v", want, names)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// A store that takes its time keeps the node from neither its peers nor its clock.
func TestSlowRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	over := make(chan struct{})
	var releases atomic.Int32
	a, b := w.newNode(t, fetchOnly), w.newNode(t, func(c *Config) {
		c.PubSub = nil
		c.Store.(*testStore).onRelease = func() { releases.Add(1); <-over }
	})
	t.Cleanup(func() { close(over) }) // before the nodes close
	r := w.record(t)
	a.load(t, r)
	connect(t, a.host, b.host)
	eventually(t, "the record is fetched", func() bool { return b.store.State(r.ID()) == Attached })
	eventually(t, "a release begins", func() bool { return releases.Load() > 0 })
	time.Sleep(2 * releaseEvery)
	if n := releases.Load(); n != 1 {
		t.Errorf("%d releases at once", n)
	}
}
