package lfsync

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// Of what all peers together may have, each that waits gets as much as another, however many
// streams it asks on and however long it has been at it.
func TestSharesAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, greedy, streams = 10_000, 9, 10
		s := newFairQueue(perSecond)
		ctx, done := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var got [greedy + 1]atomic.Int64
		ask := func(i, units int, b *share) {
			all.Go(func() {
				for s.take(ctx, b, units) == nil {
					got[i].Add(int64(units))
				}
			})
		}
		for i := range greedy {
			b := new(share)
			for range streams {
				ask(i, 64, b)
			}
		}
		time.Sleep(10 * time.Second)
		var before [greedy + 1]int64
		for i := range before {
			before[i] = got[i].Load()
		}
		ask(greedy, 10, new(share)) // a newcomer
		const passed = 10
		time.Sleep(passed * time.Second)
		done()
		all.Wait()
		share := int64(passed * perSecond / (greedy + 1))
		for i := range got {
			n := got[i].Load() - before[i]
			if n < share*9/10 || n > share*5/4 {
				t.Errorf("peer %d got %d units, its share is %d", i, n, share)
			}
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.waiting) > 0 || s.timed {
			t.Errorf("%d wait, timed: %v", len(s.waiting), s.timed)
		}
	})
}

// Peers that hold as many places as they can get leave some for newcomers.
func TestPlacesForNewcomers(t *testing.T) {
	w := newWorld(t, nil)
	s := newSync(Config{Network: w.network, Store: newTestStore(w.network), Verify: noWork})
	g := s.guard
	enter := func(name string) *budget {
		b, err := g.enter(peer.ID(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	alone := enter("alone")
	for range maxPerPeer + 1 { // what a peer asks for by itself
		if !g.begin(alone) {
			t.Fatal("a peer alone has no place")
		}
	}
	for range maxPerPeer + 1 {
		g.end(alone)
	}
	const peers = maxServedAll / 4
	for i := range peers {
		b := enter(fmt.Sprint("greedy ", i))
		for range maxServed {
			g.begin(b)
		}
		if b.places == 0 {
			t.Errorf("greedy peer %d has no place", i)
		}
	}
	for i := range peers {
		if !g.begin(enter(fmt.Sprint("newcomer ", i))) {
			t.Errorf("no place for newcomer %d, %d of %d are taken", i, g.served, maxServedAll)
		}
	}
}

// junk compares sets that nobody has with a node until it is refused, as often as it is told, and
// returns how many messages were answered.
func junk(t testing.TB, w *world, h host.Host, n *node, sessions int) (answered int) {
	t.Helper()
	set := madeUp(3000)
	for range sessions {
		s, err := h.NewStream(network.WithNoDial(context.Background(), "junk"), n.host.ID(), reconcileProtocol(w.network))
		if err != nil {
			return answered
		}
		_ = s.SetDeadline(time.Now().Add(patience))
		initiator := negentropy.NewInitiator(negentropy.Config{FrameLimit: maxMessage})
		for message := initiator.Start(set); message != nil; {
			if _, err := s.Write(appendFrame(nil, frame{count: 3000, message: message})); err != nil {
				break
			}
			f, err := readSessionFrame(s)
			if err != nil || len(f.message) == 0 {
				break
			}
			answered++
			step, err := initiator.Next(set, f.message, nil)
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
	h := w.responder(t, func(network.Stream, fetchRequest) {})
	connect(t, h, n.host)
	spent := func(p peer.ID) float64 {
		n.guard.mu.Lock()
		defer n.guard.mu.Unlock()
		a := &n.guard.budget(p).compares
		a.refill(time.Now())
		return a.spent
	}
	var b ban
	for rounds := 0; b.peer == ""; rounds++ {
		if junk(t, w, h, n, 10); rounds > 100 {
			t.Fatal("it is served without end")
		}
		select {
		case b = <-bans:
		default:
		}
	}
	if b.peer != h.ID() || b.protocol != reconcileService {
		t.Errorf("%+v", b)
	}
	if got := spent(h.ID()); got > 2*compareBurst {
		t.Errorf("it was served %v units", got)
	}
	newcomer := w.newNode(t, nil)
	connect(t, newcomer.host, n.host)
	eventually(t, "the newcomer has all", func() bool { return newcomer.store.attached() == n.store.attached() })
	if got := spent(newcomer.host.ID()); got > compareBurst/2 {
		t.Errorf("what the newcomer fetched leaves it with %v units spent", got)
	}
	if n := newcomer.sessions(endedBusy); n > 0 {
		t.Errorf("the newcomer was turned away %d times", n)
	}
}

// What a peer spends on comparing is forgotten with time, and with what it fetches or delivers.
func TestComparingSpent(t *testing.T) {
	now := time.Unix(1000, 0)
	a := new(comparingSpent)
	if !a.left(now) {
		t.Fatal("none at first")
	}
	a.spend(now, compareBurst+compareRate)
	if a.left(now) {
		t.Error("more than there is")
	}
	if !a.left(now.Add(1100 * time.Millisecond)) {
		t.Error("not forgotten")
	}
	a.earn(compareBurst / compareFruit)
	a.spend(now, compareBurst*5/4)
	a.earn(compareBurst / compareFruit / 2)
	if !a.left(now) {
		t.Error("what it fetched does not count")
	}
	a.earn(1 << 30) // of which one burst is kept
	if unearned := a.spend(now, compareBurst); unearned > 0 {
		t.Errorf("%d units are not earned", unearned)
	}
	if unearned := a.spend(now, compareBurst); unearned != compareBurst || a.left(now) {
		t.Errorf("%d units are not earned, of %d", unearned, compareBurst)
	}
}

// Records that cost their maker nothing have a share of the door for each peer that sends them:
// neither another peer's nor those that are paid wait behind them.
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

// Ever new identities that compare for nothing get a bounded part of a core, all together. A peer
// that fetches what was listed does not wait for them.
func TestUnearnedComparingIsBounded(t *testing.T) {
	w := newWorld(t, nil)
	synctest.Test(t, func(t *testing.T) {
		g := newSync(Config{Network: w.network, Store: newTestStore(w.network), Verify: noWork}).guard
		ctx, done := context.WithCancel(t.Context())
		visitOf := func(name string) *visit {
			b, err := g.enter(peer.ID(name))
			if err != nil {
				t.Fatal(err)
			}
			return &visit{budget: b, guard: g}
		}
		const message, seconds = 256, 20
		var all sync.WaitGroup
		var got atomic.Int64
		for i := range 30 {
			all.Go(func() {
				for j := 0; visitOf(fmt.Sprint(i, j)).payCompared(ctx, message) == nil; j++ {
					got.Add(message)
				}
			})
		}
		time.Sleep(seconds * time.Second / 2)
		newcomer := visitOf("newcomer")
		g.fruit("newcomer", message/compareFruit)
		began := time.Now()
		for range 10 {
			if err := newcomer.payCompared(ctx, message); err != nil {
				t.Fatal(err)
			}
			g.fruit("newcomer", message/compareFruit)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the newcomer waited for %v", took)
		}
		time.Sleep(seconds * time.Second / 2)
		done()
		all.Wait()
		if n := got.Load(); n > (seconds+2)*compareRateAll {
			t.Errorf("they got %d units in %d s", n, seconds)
		}
	})
}
