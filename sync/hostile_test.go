package lfsync

import (
	"crypto/rand"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// hurry is how long an item may take of a node that is in a hurry. An honest peer on a busy machine
// keeps to it.
const hurry = 2 * time.Second

// hurried makes a node that waits for nobody for long.
func (w *world) hurried(t testing.TB) *node { return w.hurriedLogging(t, testLogger(t)) }

func (w *world) hurriedLogging(t testing.TB, log *slog.Logger) *node {
	t.Helper()
	n := &node{store: newTestStore(w.network), host: newHost(t)}
	n.Sync = newSync(Config{Network: w.network, Store: n.store, Verify: noWork, Host: n.host, Logger: log})
	n.times.Item, n.times.Serve = hurry, func(s Service) time.Duration {
		if s == reconcile.Service {
			return 10 * hurry
		}
		return 3 * hurry
	}
	n.fetcher.SetRequestTime(3 * hurry)
	if err := n.start(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// responder makes a host that answers each fetch request by hand.
func (w *world) responder(t testing.TB, answer func(s network.Stream, req fetch.Request)) host.Host {
	t.Helper()
	h := newHost(t)
	h.SetStreamHandler(fetch.Service.ID(w.network), func(s network.Stream) {
		defer func() { _ = s.Reset() }()
		req, err := fetch.ReadRequest(s)
		if err != nil {
			return
		}
		answer(s, req)
		_ = s.CloseWrite()
		_, _ = io.Copy(io.Discard, s)
	})
	return h
}

// always has every service take so long.
func always(d time.Duration) func(Service) time.Duration {
	return func(Service) time.Duration { return d }
}

func (n *node) wantNow(ids ...protocol.ID) {
	n.fetcher.WantDeep(ids...)
}

// requests counts the requests that ended so.
func (n *node) requests(result string) int {
	var m dto.Metric
	if err := n.fetcher.Metrics()[0].(*prometheus.CounterVec).WithLabelValues(result).Write(&m); err != nil {
		panic(err)
	}
	return int(m.GetCounter().GetValue())
}

// No answer, however bad, harms the requester: it takes what is true, blames what is false, and
// gets the record from the next peer.
func TestHostileResponder(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 3)
	wanted, other := chain[2], w.record(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	item := func(s io.Writer, r *protocol.Record) { _, _ = fetch.WriteItem(s, r) }
	for _, c := range []struct {
		name   string
		answer func(network.Stream, fetch.Request)
		result string
	}{
		{"garbage", func(s network.Stream, _ fetch.Request) { _, _ = io.CopyN(s, rand.Reader, 1<<20) }, "guilty"},
		{"unknown status", func(s network.Stream, _ fetch.Request) { _, _ = s.Write([]byte{9, 0, 0, 0, 1}) }, "guilty"},
		{"huge length", func(s network.Stream, _ fetch.Request) { _, _ = s.Write([]byte{1, 0xff, 0xff, 0xff, 0xff}) }, "guilty"},
		{"not a frame", func(s network.Stream, _ fetch.Request) { _, _ = s.Write([]byte{1, 0, 0, 0, 3, 1, 2, 3}) }, "guilty"},
		{"wrong record", func(s network.Stream, _ fetch.Request) { item(s, other) }, "guilty"},
		{"unasked record", func(s network.Stream, _ fetch.Request) { item(s, wanted); item(s, other) }, "guilty"},
		{"false value", func(s network.Stream, _ fetch.Request) {
			r, _ := protocol.DecodeFrame(forge(t, wanted, nil, []byte("false")))
			item(s, r)
		}, "guilty"},
		{"status belies", func(s network.Stream, _ fetch.Request) {
			r, _ := protocol.DecodeFrame(forge(t, wanted, nil, nil))
			frame := r.EncodeFrame()
			_, _ = s.Write(append([]byte{1, 0, 0, 0, byte(len(frame))}, frame...))
		}, "guilty"},
		{"ancestor that is not there", func(s network.Stream, _ fetch.Request) { item(s, wanted); item(s, nil) }, "guilty"},
		{"endless", func(s network.Stream, req fetch.Request) {
			for range 1 + req.Ancestors {
				item(s, wanted)
			}
			_, _ = io.CopyN(s, rand.Reader, 1<<30)
		}, "guilty"},
		{"closes at once", func(network.Stream, fetch.Request) {}, "failed"},
		{"resets", func(s network.Stream, _ fetch.Request) { _ = s.Reset() }, "failed"},
		{"breaks off", func(s network.Stream, _ fetch.Request) { _, _ = s.Write([]byte{1, 0, 0}) }, "failed"},
		{"silent", func(network.Stream, fetch.Request) { <-over }, "failed"},
		{"byte by byte", func(s network.Stream, _ fetch.Request) {
			for range 30 {
				if _, err := s.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(hurry / 3)
			}
		}, "failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := w.hurried(t)
			bad := w.responder(t, c.answer)
			connect(t, n.host, bad)
			eventually(t, "the peer is known", func() bool { return n.Status().Peers == 1 })
			before := n.requests(c.result)
			n.wantNow(wanted.ID())
			eventually(t, "the request ended: "+c.result, func() bool { return n.requests(c.result) > before })
			if got := n.store.State(other.ID()); got != 0 {
				t.Errorf("a record that nobody asked for: %s", got)
			}
			good := w.newNode(t, fetchOnly)
			good.load(t, chain...)
			connect(t, n.host, good.host)
			n.wantNow(wanted.ID())
			eventually(t, "the record comes from a good peer", func() bool { return n.store.State(wanted.ID()) == Attached })
			if wanted, ok, _ := n.store.Record(t.Context(), wanted.ID()); !ok || n.network.Check(wanted, noWork) != nil {
				t.Error("what is stored is not valid")
			}
		})
	}
}

// A guilty peer is not asked again soon; a valid part of its answer is kept.
func TestGuiltyIsLeftAlone(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 2)
	n := w.hurried(t)
	n.penalties.First = time.Hour
	bad := w.responder(t, func(s network.Stream, _ fetch.Request) {
		_, _ = fetch.WriteItem(s, chain[1])
		_, _ = s.Write([]byte{77})
	})
	connect(t, n.host, bad)
	n.wantNow(chain[1].ID())
	eventually(t, "guilty", func() bool { return n.requests("guilty") >= 1 })
	eventually(t, "the valid part is kept", func() bool { return n.store.State(chain[1].ID()) == Pending })
	n.wantNow(chain[0].ID())
	time.Sleep(500 * time.Millisecond)
	// the valid part's link may be on its way to be asked for when the answer turns out to be bad
	if got := n.requests("guilty"); got > 2 {
		t.Errorf("asked %d times", got)
	}
}

// An invalid record under the ID that was asked for is not fetched again from the next.
func TestInvalidAncestor(t *testing.T) {
	w := newWorld(t, nil)
	invalid, err := protocol.DecodeFrame(w.badFrames(t)["signature wrong"])
	if err != nil {
		t.Fatal(err)
	}
	child := w.record(t, invalid)
	n := w.hurried(t)
	bad := w.responder(t, func(s network.Stream, _ fetch.Request) { _, _ = fetch.WriteItem(s, invalid) })
	connect(t, n.host, bad)
	if in, err := n.Ingest(t.Context(), child.EncodeFrame(), Local); err != nil || in.Outcome != Pending {
		t.Fatalf("%+v, %v", in.Stored, err)
	}
	eventually(t, "guilty", func() bool { return n.requests("guilty") == 1 })
	eventually(t, "not wanted any more", func() bool { return n.Status().Wanted == 0 })
	n.fetcher.Refill(t.Context(), 10)
	if got := n.Status().Wanted; got != 0 {
		t.Errorf("wanted again: %d", got)
	}
}

// No request, however bad, harms the responder.
func TestHostileRequester(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 100)
	n := w.hurried(t)
	n.load(t, chain...)
	h := newHost(t)
	connect(t, h, n.host)
	open := func(t *testing.T) network.Stream {
		s, err := h.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Reset() })
		_ = s.SetDeadline(time.Now().Add(patience))
		return s
	}
	for name, request := range map[string][]byte{
		"nothing wanted": {0, 7, fetch.NameSize},
		"long names":     {1, 0, byte(fetch.IDSize + 1), 1, 2, 3},
		"half a request": {3, 0, fetch.NameSize, 1, 2, 3},
		"nothing":        {},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			_, _ = s.Write(request)
			if name == "half a request" {
				_ = s.CloseWrite()
			}
			if raw, err := io.ReadAll(s); err == nil || len(raw) > 0 {
				t.Errorf("answered %d bytes, %v", len(raw), err)
			}
		})
	}
	t.Run("garbage", func(t *testing.T) {
		for range 50 {
			s := open(t)
			_, _ = io.CopyN(s, rand.Reader, 100<<10)
			_ = s.Reset()
		}
	})
	t.Run("does not read", func(t *testing.T) {
		var streams []network.Stream
		for range 3 * stream.MaxServed {
			s := open(t)
			_, _ = s.Write(fetch.AppendRequest(nil, fetch.Request{IDs: []protocol.ID{chain[99].ID()}, Width: fetch.NameSize, Ancestors: fetch.MaxAncestors}))
			streams = append(streams, s)
		}
		for _, s := range streams {
			_ = s.Reset()
		}
	})
	eventually(t, "all streams have ended", func() bool {
		return n.limiter.Serving() == 0
	})
	good := w.newNode(t, fetchOnly)
	connect(t, good.host, n.host)
	good.wantNow(chain[99].ID())
	eventually(t, "others are served", func() bool { return good.store.State(chain[99].ID()) == Attached })
}

// One peer gets its share and no more.
func TestServedStreamsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.times.Item = time.Minute // silent requests stay
	h := newHost(t)
	connect(t, h, n.host)
	var streams []network.Stream
	for range stream.MaxServed + 3 {
		s, err := h.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Write([]byte{1})
		streams = append(streams, s)
	}
	eventually(t, "three are turned away", func() bool { return n.Status().Dropped[queueServe] >= 3 })
	if open := n.limiter.Open(h.ID()); open != stream.MaxServed {
		t.Errorf("the peer has %d streams", open)
	}
	for _, s := range streams {
		_ = s.Reset()
	}
}

// Peers that open streams and say nothing keep nobody else from being served.
func TestSilentStreams(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.times.Item, n.times.Serve = time.Minute, always(time.Minute)
	chain := w.chain(t, 2)
	n.load(t, chain...)
	for range stream.MaxServedAll/stream.MaxServed + 1 {
		h := newHost(t)
		connect(t, h, n.host)
		for range stream.MaxServed {
			s, err := h.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = s.Write([]byte{1}); err != nil { // opens it at the other side
				t.Fatal(err)
			}
		}
		eventually(t, "the peer's streams are open", func() bool {
			return n.limiter.Open(h.ID()) == stream.MaxServed
		})
	}
	honest := newHost(t)
	connect(t, honest, n.host)
	s, err := honest.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SetDeadline(time.Now().Add(patience))
	_, _ = s.Write(fetch.AppendRequest(nil, fetch.Request{IDs: []protocol.ID{chain[1].ID()}, Width: fetch.IDSize}))
	if it, err := fetch.ReadItem(fetch.NewAnswerReader(s)); err != nil || it.Record == nil {
		t.Errorf("not served: %v", err)
	}
}

// A record that lacks its value, or one of a newer version, is of no use to this software and
// nobody's fault. Neither is what such a record links to.
func TestUselessItemsAreNoFault(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 3)
	pruned, err := protocol.DecodeFrame(forge(t, chain[2], nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	newer := func(s io.Writer) { _, _ = s.Write([]byte{1, 0, 0, 0, 5, 0x82, 0x42, 0x81, 0x02, 0xf6}) }
	for name, answer := range map[string]func(network.Stream){
		"ancestors of a pruned record": func(s network.Stream) { _, _ = fetch.WriteItem(s, pruned); _, _ = fetch.WriteItem(s, chain[1]) },
		"ancestors of a newer record":  func(s network.Stream) { newer(s); _, _ = fetch.WriteItem(s, chain[1]) },
		"a newer ancestor":             func(s network.Stream) { _, _ = fetch.WriteItem(s, chain[2]); newer(s) },
	} {
		t.Run(name, func(t *testing.T) {
			n := w.hurried(t)
			peer := w.responder(t, func(s network.Stream, req fetch.Request) {
				// else what came has a parent that it is asked for too, and lacks
				if fetch.SameName(req.IDs[0], chain[2].ID()) {
					answer(s)
				}
			})
			connect(t, n.host, peer)
			n.wantNow(chain[2].ID())
			eventually(t, "the request has ended", func() bool { return n.requests("answered") > 0 || n.requests("guilty") > 0 })
			if n.requests("guilty") > 0 {
				t.Error("a correct peer was blamed")
			}
		})
	}
}

// A peer that asks for much and does not read holds its place no longer than an item may take.
func TestStalledReader(t *testing.T) {
	w := newWorld(t, func(p *protocol.Params) { p.MaxValue = protocol.MaxValue })
	n := w.hurried(t)
	// so that a busy machine sees it being served
	n.times.Serve, n.times.Item = always(time.Hour), 2*time.Second
	var ids []protocol.ID
	for range 16 { // a MiB; a stream's first window has 256 KiB
		d := w.draft()
		d.Value = make([]byte, 59<<10)
		_, _ = rand.Read(d.Value)
		r := w.finish(t, d)
		n.load(t, r)
		ids = append(ids, r.ID())
	}
	h := newHost(t)
	connect(t, h, n.host)
	s, err := h.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write(fetch.AppendRequest(nil, fetch.Request{IDs: ids, Width: fetch.NameSize}))
	served := n.limiter.Serving
	eventually(t, "it is served", func() bool { return served() == 1 })
	began := time.Now()
	eventually(t, "it is given up", func() bool { return served() == 0 })
	if time.Since(began) < n.times.Item/2 {
		t.Error("the answer did not stall")
	}
}

// A peer that has no place for a request is nobody's fault and is asked again soon.
func TestNoPlaceIsNoFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := w.record(t)
	n := w.hurried(t)
	var requests atomic.Int32
	busy := newHost(t)
	busy.SetStreamHandler(fetch.Service.ID(w.network), func(s network.Stream) {
		if _, err := fetch.ReadRequest(s); err != nil || requests.Add(1) <= 3 {
			_ = s.ResetWithError(network.StreamRateLimited)
			return
		}
		_, _ = fetch.WriteItem(s, r)
		_ = s.Close()
	})
	connect(t, n.host, busy)
	n.wantNow(r.ID())
	eventually(t, "the record comes", func() bool { return n.store.State(r.ID()) == Attached })
	if n.requests("busy") != 3 || n.requests("failed") != 0 {
		t.Errorf("%d were busy, %d failed", n.requests("busy"), n.requests("failed"))
	}
}
