package lfsync

import (
	"bufio"
	"crypto/rand"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/reconcile"
)

// comparable makes a host that answers each message of a comparison by hand, until answer returns
// nil.
func (w *world) comparable(t testing.TB, answer func(s network.Stream, message []byte, round int) []byte) host.Host {
	t.Helper()
	h := w.responder(t, func(network.Stream, fetch.Request) {}) // and has nothing
	h.SetStreamHandler(reconcile.Service.ID(w.network), func(s network.Stream) {
		defer func() { _ = s.Reset() }()
		in := bufio.NewReader(s)
		for round := 1; ; round++ {
			f, err := reconcile.ReadEnvelope(in)
			if err != nil {
				return
			}
			raw := answer(s, f.Message, round)
			if raw == nil {
				return
			}
			if _, err := s.Write(raw); err != nil {
				return
			}
		}
	})
	return h
}

func (n *node) isGuilty(p peer.ID) bool { return n.penalties.Bans(p) > 0 }

// honestConverges checks that a node and a good peer end with the same set, whoever else is there.
func (w *world) honestConverges(t *testing.T, n *node) {
	t.Helper()
	good := w.newNode(t, fetchOnly)
	good.load(t, w.chain(t, 300)...)
	connect(t, n.host, good.host)
	eventually(t, "the honest ones converge", func() bool { return n.store.attached() == good.store.attached() })
}

// madeUp is a set of items that nobody has.
func madeUp(n int) *negentropy.Tree {
	set := new(negentropy.Tree)
	for i := range n {
		item := negentropy.Item{Timestamp: uint64(i + 1)}
		_, _ = rand.Read(item.ID[:])
		set.Insert(item)
	}
	return set
}

// No answer, however bad, harms who compares; who breaks the protocol is left alone.
func TestHostileComparison(t *testing.T) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	framed := func(message []byte) []byte {
		return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 9, Message: message})
	}
	big := madeUp(20_000)
	for _, c := range []struct {
		name   string
		ending string
		answer func(s network.Stream, message []byte, round int) []byte
	}{
		{"garbage", "guilty", func(network.Stream, []byte, int) []byte {
			raw := make([]byte, 1000)
			_, _ = rand.Read(raw)
			raw[0] = 0xff
			return raw
		}},
		{"garbage in an envelope", "guilty", func(network.Stream, []byte, int) []byte {
			raw := make([]byte, 1000)
			_, _ = rand.Read(raw)
			raw[0] = 0x61
			raw[1], raw[2], raw[3] = 1, 33, 7
			return framed(raw)
		}},
		{"a huge frame", "guilty", func(network.Stream, []byte, int) []byte {
			return []byte{0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff}
		}},
		{"a count that cannot be", "guilty", func(network.Stream, []byte, int) []byte {
			return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: reconcile.MaxCount, Message: []byte{0x61}})
		}},
		{"rounds without end", "guilty", func(_ network.Stream, _ []byte, round int) []byte {
			raw := []byte{0x61, 0, 0, 1} // the fingerprint of all, another one each time
			raw = append(raw, make([]byte, 16)...)
			raw[4] = byte(round)
			return framed(raw)
		}},
		{"bits that flip", "guilty", func(_ network.Stream, message []byte, _ int) []byte {
			reply, err := negentropy.Respond(big, message, reconcile.MaxMessage)
			if err != nil {
				return nil
			}
			reply.Message[0] ^= 0x80
			return framed(reply.Message)
		}},
		{"ends at once", "failed", func(network.Stream, []byte, int) []byte { return nil }},
		{"resets", "failed", func(s network.Stream, _ []byte, _ int) []byte { _ = s.Reset(); return nil }},
		{"half a frame", "failed", func(s network.Stream, _ []byte, _ int) []byte {
			_, _ = s.Write(framed(make([]byte, 9))[:12])
			return nil
		}},
		{"silent", "failed", func(network.Stream, []byte, int) []byte { <-over; return nil }},
		{"byte by byte", "failed", func(s network.Stream, message []byte, _ int) []byte {
			for _, b := range framed(make([]byte, 100)) {
				if _, err := s.Write([]byte{b}); err != nil {
					return nil
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}},
		{"always busy", "busy", func(network.Stream, []byte, int) []byte { return framed(nil) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			n := w.hurried(t)
			n.penalties.First = time.Hour
			n.load(t, w.chain(t, 100)...)
			n.hasten()
			var streams atomic.Int32
			bad := w.comparable(t, func(s network.Stream, message []byte, round int) []byte {
				if round == 1 {
					streams.Add(1)
				}
				return c.answer(s, message, round)
			})
			connect(t, n.host, bad)
			eventually(t, "a session ended as "+c.ending, func() bool { return n.sessions(c.ending) > 0 })
			if c.ending == "guilty" {
				eventually(t, "it is blamed", func() bool { return n.isGuilty(bad.ID()) })
			} else if n.isGuilty(bad.ID()) {
				t.Error("it is blamed")
			}
			before := streams.Load()
			w.honestConverges(t, n)
			if c.ending == "guilty" && streams.Load() > before {
				t.Error("the guilty one is still compared with")
			}
			eventually(t, "the node is in sync", func() bool { return 2*n.Status().Sync.Agreeing >= n.Status().Sync.Peers })
		})
	}
}

// A peer that lists what nobody has keeps nobody from what there is.
func TestBogusIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.hasten()
	set := madeUp(20_000)
	bad := w.comparable(t, func(_ network.Stream, message []byte, _ int) []byte {
		reply, err := negentropy.Respond(set, message, reconcile.MaxMessage)
		if err != nil {
			return nil
		}
		return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 20_000, Message: reply.Message})
	})
	connect(t, n.host, bad)
	eventually(t, "bogus records are listed", func() bool { return counterOf(n.reconciler.Metrics()[3].(prometheus.Counter)) > 900 })
	w.honestConverges(t, n)
}

// No message, however bad, harms the node that is compared with.
func TestHostileInitiator(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.load(t, w.chain(t, 2000)...)
	openTo := func(t *testing.T, n *node, h host.Host) network.Stream {
		s, err := h.NewStream(t.Context(), n.host.ID(), reconcile.Service.ID(w.network))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Reset() })
		_ = s.SetDeadline(time.Now().Add(patience))
		return s
	}
	open := func(t *testing.T, h host.Host) network.Stream { return openTo(t, n, h) }
	stranger := func(t *testing.T) host.Host {
		h := newHost(t)
		h.SetStreamHandler(reconcile.Service.ID(w.network), func(s network.Stream) { _ = s.Reset() })
		connect(t, h, n.host)
		return h
	}
	random := make([]byte, 20_000)
	_, _ = rand.Read(random)
	for name, raw := range map[string][]byte{
		"an empty message":       reconcile.AppendEnvelope(nil, reconcile.Envelope{}),
		"a huge frame":           {0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0},
		"a count that cannot be": reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: reconcile.MaxCount, Message: []byte{0x61}}),
		"garbage":                random,
		"garbage in an envelope": reconcile.AppendEnvelope(nil, reconcile.Envelope{Message: append([]byte{0x61, 1, 33}, random...)}),
	} {
		t.Run(name, func(t *testing.T) {
			h := stranger(t)
			s := open(t, h)
			_, _ = s.Write(raw)
			if answer, err := io.ReadAll(s); err == nil || len(answer) > 0 {
				t.Errorf("%d bytes in answer, %v", len(answer), err)
			}
			eventually(t, "it is guilty", func() bool { return n.isGuilty(h.ID()) })
		})
	}
	t.Run("messages without end", func(t *testing.T) {
		h := stranger(t)
		s := open(t, h)
		first := reconcile.AppendEnvelope(nil, reconcile.Envelope{Message: append([]byte{0x61, 0, 0, 1}, make([]byte, 16)...)})
		answers := 0
		for range reconcile.MaxMessages + 1 {
			if _, err := s.Write(first); err != nil {
				break
			}
			if _, err := reconcile.ReadEnvelope(s); err != nil {
				break
			}
			answers++
		}
		if answers > reconcile.MaxMessages {
			t.Errorf("%d answers", answers)
		}
		eventually(t, "it is over", func() bool { return n.isGuilty(h.ID()) || answers < reconcile.MaxMessages })
	})
	t.Run("does not read", func(t *testing.T) {
		s := open(t, stranger(t))
		first := reconcile.AppendEnvelope(nil, reconcile.Envelope{Message: append([]byte{0x61, 0, 0, 1}, make([]byte, 16)...)})
		for range 200 {
			if _, err := s.Write(first); err != nil {
				break
			}
		}
	})
	t.Run("a flood of streams", func(t *testing.T) {
		n, h := w.hurried(t), newHost(t)
		// what is silent keeps its place, however slowly the others open
		n.times.Serve, n.times.Item = always(patience), patience
		connect(t, h, n.host)
		for range 100 {
			s := openTo(t, n, h)
			_, _ = s.Write([]byte{0})
		}
		eventually(t, "most are turned away", func() bool { return n.Status().Dropped[queueServe] >= 90 })
	})
	t.Run("IDs that nobody has", func(t *testing.T) {
		s := open(t, stranger(t))
		initiator, set := negentropy.NewInitiator(negentropy.Config{FrameLimit: reconcile.MaxMessage}), madeUp(50_000)
		for message := initiator.Start(set); message != nil; {
			if _, err := s.Write(reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 50_000, Message: message})); err != nil {
				break
			}
			f, err := reconcile.ReadEnvelope(s)
			if err != nil {
				break
			}
			step, err := initiator.Next(set, f.Message, nil)
			if err != nil {
				t.Fatal(err)
			}
			message = step.Message
		}
	})
	good := w.newNode(t, fetchOnly)
	connect(t, good.host, n.host)
	eventually(t, "others are served", func() bool { return good.store.attached() == n.store.attached() })
}
