package lfsync

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// compareJunk compares sets that nobody has with a node until it is refused, as often as it is
// told. It returns how many messages were answered.
func compareJunk(t testing.TB, w *world, h host.Host, n *node, sessions int) (answered int) {
	t.Helper()
	set := madeUp(3000)
	for range sessions {
		s, err := h.NewStream(network.WithNoDial(context.Background(), "junk"), n.host.ID(), reconcile.Service.ID(w.network))
		if err != nil {
			return answered
		}
		_ = s.SetDeadline(time.Now().Add(patience))
		initiator := negentropy.NewInitiator(negentropy.Config{FrameLimit: reconcile.MaxMessage})
		for message := initiator.Start(set); message != nil; {
			if _, err := s.Write(reconcile.AppendEnvelope(nil, reconcile.Envelope{Count: 3000, Message: message})); err != nil {
				break
			}
			f, err := reconcile.ReadEnvelope(s)
			if err != nil || len(f.Message) == 0 {
				break
			}
			answered++
			step, err := initiator.Next(set, f.Message, nil)
			if err != nil {
				t.Error(err)
				break
			}
			message = step.Message
		}
		_ = s.Reset()
	}
	return answered
}

// A peer that compares what nobody has, and fetches nothing, pays with its place: it is refused,
// and banned when it goes on. One that lacks as much and fetches it is served all the time.
func TestJunkComparisons(t *testing.T) {
	w := newWorld(t, nil)
	n := w.hurried(t)
	chain := w.chain(t, 3000)
	n.load(t, chain...)
	bans := n.bans()
	h := w.responder(t, func(network.Stream, fetch.Request) {})
	connect(t, h, n.host)
	spent := n.limiter.ComparingSpent
	var b penalty.Ban
	for rounds := 0; b.Peer == ""; rounds++ {
		if compareJunk(t, w, h, n, 10); rounds > 100 {
			t.Fatal("it is served without end")
		}
		select {
		case b = <-bans:
		default:
		}
	}
	if b.Peer != h.ID() || b.Protocol != "lf.reconcile" {
		t.Errorf("%+v", b)
	}
	if got := spent(h.ID()); got > 2*stream.CompareBurst {
		t.Errorf("it was served %v units", got)
	}
	newcomer := w.newNode(t, nil)
	connect(t, newcomer.host, n.host)
	eventually(t, "the newcomer has all", func() bool { return newcomer.store.attached() == n.store.attached() })
	if got := spent(newcomer.host.ID()); got > stream.CompareBurst/2 {
		t.Errorf("what the newcomer fetched leaves it with %v units spent", got)
	}
	if n := newcomer.sessions("busy"); n > 0 {
		t.Errorf("the newcomer was turned away %d times", n)
	}
}

// Records that cost their maker nothing have a share of the door for each peer that sends them.
// Neither another peer's nor those that are paid wait for them.
func TestUnpaidShare(t *testing.T) {
	w := newWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1 << 10 })
	u := newUnpaid(w.network)
	free := w.record(t)
	if w.network.Paid(free) {
		t.Fatal("it is paid")
	}
	flooder, other := Source{Via: ViaGossip, Peer: "flooder"}, Source{Via: ViaGossip, Peer: "other"}
	var leave []func()
	for range maxUnpaidEach {
		l, ok := u.enter(free, flooder)
		if !ok {
			t.Fatal("less than its share")
		}
		leave = append(leave, l)
	}
	if _, ok := u.enter(free, flooder); ok {
		t.Error("more than its share")
	}
	for what, from := range map[string]Source{"another's": other, "an own": Local, "a fetched": {Via: ViaFetch, Peer: "flooder"}} {
		if l, ok := u.enter(free, from); !ok {
			t.Errorf("%s record is turned away", what)
		} else {
			l()
		}
	}
	leave[0]()
	if l, ok := u.enter(free, flooder); !ok {
		t.Error("its share is not given back")
	} else {
		l()
	}
	for _, l := range leave[1:] {
		l()
	}
	if len(u.under) > 0 {
		t.Errorf("%d peers are remembered", len(u.under))
	}
}
