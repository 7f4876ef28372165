package lfsync

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/reconcile"
)

// A peer that agreed and is busy from then on agrees no more: this node cannot know what it lacks.
func TestNeverComparedAgain(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	n.hasten()
	var busy atomic.Bool
	bad := w.comparable(t, func(network.Stream, []byte, int) []byte {
		if busy.Load() {
			return reconcile.AppendEnvelope(nil, reconcile.Envelope{})
		}
		return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 3, Message: []byte{0x61}})
	})
	connect(t, n.host, bad)
	synced(t, n)
	busy.Store(true)
	eventually(t, "it does not say that it is in sync", func() bool { return n.Status().Sync.State == StateComparing })
	busy.Store(false)
	synced(t, n)
}

// displaced is a host that has a record and lists it at another time than the record's.
func (w *world) displaced(t *testing.T, chain []*protocol.Record, r *protocol.Record, at uint64) host.Host {
	t.Helper()
	set := new(negentropy.Tree)
	for _, known := range slices.Concat(w.network.Genesis(), chain) {
		set.Insert(negentropy.Item{Timestamp: known.Timestamp, ID: known.ID()})
	}
	set.Insert(negentropy.Item{Timestamp: at, ID: r.ID()})
	h := w.comparable(t, func(_ network.Stream, message []byte, _ int) []byte {
		reply, err := negentropy.Respond(set, message, reconcile.MaxMessage)
		if err != nil {
			return nil
		}
		return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: uint64(set.Len()), Message: reply.Message})
	})
	h.SetStreamHandler(fetch.Service.ID(w.network), func(s network.Stream) {
		defer s.Close()
		req, err := fetch.ReadRequest(s)
		if err != nil {
			return
		}
		for range req.IDs { // it is asked for nothing else
			_, _ = fetch.WriteItem(s, r)
		}
	})
	return h
}

// A peer that lists a record outside its range is banned, whether the record is of use or far ahead
// of the clock. What is ahead is neither missing nor kept.
func TestListedOutsideItsRange(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"a record of now": 0, "a record far ahead": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			chain := w.chain(t, 100)
			d := w.draft(chain[99])
			d.Timestamp += uint64(ahead.Milliseconds())
			r := w.finish(t, d)
			n := w.hurried(t)
			n.load(t, chain...)
			bad := w.displaced(t, chain, r, chain[10].Timestamp)
			connect(t, n.host, bad)
			eventually(t, "it is banned", func() bool { return n.isGuilty(bad.ID()) })
			if here := n.store.State(r.ID()) == Attached; here != (ahead == 0) {
				t.Errorf("the record is here: %t", here)
			}
			if st := n.Status(); st.Sync.Missing != 0 || st.Wanted != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// An initiator whose clock is a little ahead lists what this node holds. It is not missing, and
// nobody is to blame.
func TestOverlapIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ahead := func(d time.Duration) func(*Config) {
		return func(c *Config) { c.PubSub, c.Clock = nil, func() time.Time { return time.Now().Add(d) } }
	}
	drift := time.Duration(w.network.Params().ClockDrift) * time.Millisecond
	a, b := w.newNode(t, ahead(drift/2)), w.newNode(t, ahead(0))
	d := w.draft()
	d.Timestamp = uint64(time.Now().Add(drift * 5 / 4).UnixMilli())
	r := w.finish(t, d)
	chain := w.chain(t, 100) // enough to be divided: then the initiator lists
	a.load(t, append(chain, r)...)
	b.load(t, chain...)
	connect(t, a.host, b.host)
	a.hasten()
	eventually(t, "b holds the record", func() bool { return b.store.State(r.ID()) == Held })
	synced(t, a, b)
	if st := b.Status(); st.Sync.Missing != 0 || b.isGuilty(a.host.ID()) {
		t.Errorf("%+v", st)
	}
}

// A peer that lists what it says it cannot send keeps this node neither out of sync nor busy. It is
// not banned, and left alone for long when it says so of very many.
func TestListsWhatItCannotSend(t *testing.T) {
	for name, count := range map[string]int{"some": 500, "very many": 20_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			n := w.hurried(t)
			n.hasten()
			set := madeUp(count)
			bad := w.comparable(t, func(_ network.Stream, message []byte, _ int) []byte {
				reply, err := negentropy.Respond(set, message, reconcile.MaxMessage)
				if err != nil {
					return nil
				}
				return reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: uint64(count), Message: reply.Message})
			})
			bad.SetStreamHandler(fetch.Service.ID(w.network), func(s network.Stream) {
				defer s.Close()
				req, err := fetch.ReadRequest(s)
				if err != nil {
					return
				}
				for range req.IDs {
					_, _ = fetch.WriteDamaged(s)
				}
			})
			connect(t, n.host, bad)
			w.honestConverges(t, n)
			left := func() bool {
				return n.reconciler.PausedFor(bad.ID()) > reconcile.WithheldPause/2
			}
			eventually(t, "it is in sync, and knows that one peer does not agree", func() bool {
				st := n.Status().Sync
				return st.State == StateSynced && st.Agreeing == 1 && st.Peers == 2 && st.Missing == 0
			})
			if count > reconcile.MaxWithheld {
				eventually(t, "it is left alone", left)
			} else if left() {
				t.Error("it is left alone")
			}
			if n.isGuilty(bad.ID()) {
				t.Error("it is banned")
			}
		})
	}
}
