package proxy

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// die replaces the proxy by another one in the same home, which has only what is on disk. The old
// one gets no chance to do anything.
func (w *writers) die() {
	w.Helper()
	w.proxy.writes.pool.Close()
	if err := w.proxy.writes.close(); err != nil {
		w.Fatal(err)
	}
	old := w.proxy
	var err error
	if w.proxy, err = newService(old.config, prometheus.NewRegistry()); err != nil {
		w.Fatal(err)
	}
	w.proxy.secondLook = 0
	for i, n := range old.nodes.list {
		w.proxy.nodes.list[i].client = n.client
	}
}

// delivering runs the outbox until the returned function is called.
func (w *writers) delivering() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error)
	go func() { done <- w.proxy.deliver(ctx) }()
	return func() { cancel(); <-done }
}

// signedBlind is a record of degree (c) that waits for its work.
func (w *writers) signedBlind(key, text string) *protocol.Record {
	w.Helper()
	links, err := w.proxy.Links(w.phone(), api.LinksQuery{})
	if err != nil {
		w.Fatal(err)
	}
	at := max(clock(), links.Timestamp)
	return w.record(newOwner(w), at-testEpoch, protocol.Draft{Value: []byte(text), Links: links.Links}, key)
}

// TestPaidOutlivesProxy: the proxy dies between work and submit. The client's request, sent again,
// costs no second proof. Nor does the record of a client that never comes back.
func TestPaidOutlivesProxy(t *testing.T) {
	t.Parallel()
	for name, degree := range map[string]func(w *writers) func() (*api.Submitted, error){
		"plain": func(w *writers) func() (*api.Submitted, error) {
			return func() (*api.Submitted, error) { return w.set(api.WithIdempotencyKey(w.phone(), "key"), "horse", "x") }
		},
		"own key": func(w *writers) func() (*api.Submitted, error) {
			signed := w.prepared("horse", "x", newOwner(w).PrivateKey)
			return func() (*api.Submitted, error) { return w.proxy.SubmitSigned(w.phone(), signed) }
		},
		"blind": func(w *writers) func() (*api.Submitted, error) {
			unpaid := w.signedBlind("horse", "x")
			return func() (*api.Submitted, error) {
				r, err := w.network.Pay(unpaid, 0, api.SolveBy(w.phone(), w.proxy, w.network))
				if err != nil {
					return nil, err
				}
				return w.proxy.Submit(w.phone(), r.EncodeFrame())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriters(t, 1)
			write := degree(w)
			w.nodes[0].fail(errDown)
			_, err := write()
			wantStatus(t, err, http.StatusServiceUnavailable, "")
			if w.spent() != 1 {
				t.Fatalf("an effort of %d", w.spent())
			}
			w.die()
			w.nodes[0].fail(nil)
			w.wantAttached(write())
			if w.spent() != 0 {
				t.Errorf("the next proxy spent %d for a record that was paid", w.spent())
			}
			if n := w.proxy.writes.outbox.Len(); n > 0 {
				t.Errorf("%d records are still in the outbox", n)
			}
		})
	}
	t.Run("nobody comes back", func(t *testing.T) {
		w := newWriters(t, 1)
		w.nodes[0].fail(errDown)
		_, err := w.set(w.phone(), "horse", "x")
		wantStatus(t, err, http.StatusServiceUnavailable, "")
		w.die()
		w.nodes[0].fail(nil)
		defer w.delivering()()
		eventually(t, "the record is delivered", func() bool { return w.proxy.writes.outbox.Len() == 0 })
		if got := w.answer("horse"); got != "x" {
			t.Errorf("%q", got)
		}
	})
}

// TestSentAgainLate: a client learns after more than the clock drift that its connection broke. Its
// record is attached, or at least paid for. The same request is not refused for its age.
func TestSentAgainLate(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"attached": false, "paid": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriters(t, 1)
				signed := w.prepared("horse", "x", newOwner(t).PrivateKey)
				if lost {
					w.nodes[0].fail(errDown)
				}
				_, err := w.proxy.SubmitSigned(w.phone(), signed)
				if err != nil != lost {
					t.Fatal(err)
				}
				w.nodes[0].fail(nil)
				w.die()
				time.Sleep(time.Duration(w.network.Params().ClockDrift)*time.Millisecond + time.Second)
				w.wantAttached(w.proxy.SubmitSigned(w.phone(), signed))
				if w.spent() != 0 {
					t.Errorf("an effort of %d for a record that was paid", w.spent())
				}
				late := w.prepared("cow", "x", newOwner(t).PrivateKey)
				time.Sleep(time.Duration(w.network.Params().ClockDrift)*time.Millisecond + time.Second)
				_, err = w.proxy.SubmitSigned(w.phone(), late)
				wantStatus(t, err, http.StatusConflict, "prepare it again")
			})
		})
	}
}

// TestPendingIsTriedAgain: the node that the links came from dies with ancestors that no other node
// has. The record is pending at the other node. It is attached there when the first one comes back,
// though nobody asks for it again.
func TestPendingIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t, 2)
		w.spread(w.chain(5), w.world.nodes[0])
		unpaid := w.signedBlind("horse", "x")
		w.proxy.writes.links = newLinkOrigins() // as if more than the links were missing
		r, err := w.network.Pay(unpaid, 0, solveHere)
		if err != nil {
			t.Fatal(err)
		}
		w.nodes[0].fail(errDown)
		w.nodes[0].change(func() { w.nodes[0].down = errDown })
		done, err := w.proxy.Submit(w.phone(), r.EncodeFrame())
		if err != nil || done.State != api.StatePending || w.proxy.writes.outbox.Len() != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		defer w.delivering()()
		time.Sleep(time.Hour)
		w.nodes[0].fail(nil)
		w.nodes[0].change(func() { w.nodes[0].down = nil })
		time.Sleep(10 * time.Minute)
		if w.proxy.writes.outbox.Len() != 0 || w.holders(r.ID()) == 0 {
			t.Errorf("%d records wait, %d nodes have it", w.proxy.writes.outbox.Len(), w.holders(r.ID()))
		}
	})
}

// TestLinksSpread: what new records link to is taken to another node while they are worked for. The
// node that gave the links dies with records that it alone had, and the new record is attached.
func TestLinksSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWriters(t, 2)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.proxy.spread(ctx) }()
		defer func() { cancel(); <-ended }()
		w.spread(w.chain(5), w.world.nodes[0])
		r, err := w.network.Pay(w.signedBlind("horse", "x"), 0, solveHere)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * spreadAfter)
		w.nodes[0].fail(errDown)
		w.nodes[0].change(func() { w.nodes[0].down = errDown })
		w.wantAttached(w.proxy.Submit(w.phone(), r.EncodeFrame()))
		if n := w.proxy.writes.outbox.Len(); n > 0 {
			t.Errorf("%d records wait", n)
		}
	})
}

// chain makes records that link each other, the oldest first.
func (w *writers) chain(length int) (chain []*protocol.Record) {
	w.Helper()
	o, at := newOwner(w), clock()-testEpoch-1000
	for i := range length {
		d := protocol.Draft{Value: []byte("ancestor")}
		for _, p := range chain[max(0, len(chain)-2):] {
			d.Links = append(d.Links, p.ID())
		}
		r, err := w.network.Pay(w.record(o, at+uint64(i), d, "ancestors"), 0, solveHere)
		if err != nil {
			w.Fatal(err)
		}
		chain = append(chain, r)
	}
	return chain
}

// TestHopeless: a paid record that every node refuses leaves the outbox. While one of them cannot
// be asked, it stays.
func TestHopeless(t *testing.T) {
	t.Parallel()
	w := newWriters(t, 2)
	refusal := api.Conflict("not here")
	w.nodes[0].fail(refusal)
	w.nodes[1].fail(errDown)
	_, err := w.set(w.phone(), "horse", "x")
	if err == nil || w.proxy.writes.outbox.Len() != 1 {
		t.Fatalf("%v, %d records in the outbox", err, w.proxy.writes.outbox.Len())
	}
	checkup, err := w.proxy.Doctor(t.Context())
	if err != nil || !slices.ContainsFunc(checkup.Findings, func(f api.Finding) bool { return f.Area == "outbox" && f.State == api.FindingNote }) {
		t.Errorf("%+v, %v", checkup, err)
	}
	if f := foundOutbox(2, time.Hour); f.State != api.FindingWarning || !strings.Contains(f.Text, "2 finished records wait") {
		t.Errorf("%+v", f)
	}
	w.nodes[1].fail(refusal)
	if err := w.proxy.nodes.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.delivering()()
	eventually(t, "the record is given up", func() bool { return w.proxy.writes.outbox.Len() == 0 })
	if w.proxy.writes.outbox.Lost() != 1 {
		t.Error("it does not count as lost")
	}
	_, err = w.proxy.Submit(w.phone(), w.chain(1)[0].EncodeFrame())
	wantStatus(t, err, http.StatusConflict, "not here")
	if n := w.proxy.writes.outbox.Len(); n != 0 {
		t.Errorf("%d records of clients that were told of the refusal", n)
	}
}
