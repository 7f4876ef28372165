package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Of what all peers together may have, each that waits gets as much as another. It does not matter
// on how many streams it asks, nor for how long.
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
		if s.waiting.Len() > 0 || s.timed {
			t.Errorf("%d wait, timed: %v", s.waiting.Len(), s.timed)
		}
	})
}

// Peers that hold as many places as they can get leave some for newcomers.
func TestPlacesForNewcomers(t *testing.T) {
	g := NewLimiter(Config{})
	enter := func(name string) *budget {
		b, err := g.enter(peer.ID(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	alone := enter("alone")
	for range MaxServed / 2 { // what a peer asks for by itself
		if !g.begin(alone) {
			t.Fatal("a peer alone has no place")
		}
	}
	for range MaxServed / 2 {
		g.end(alone)
	}
	const peers = MaxServedAll / 4
	for i := range peers {
		b := enter(fmt.Sprint("greedy ", i))
		for range MaxServed {
			g.begin(b)
		}
		if b.places == 0 {
			t.Errorf("greedy peer %d has no place", i)
		}
	}
	for i := range peers {
		if !g.begin(enter(fmt.Sprint("newcomer ", i))) {
			t.Errorf("no place for newcomer %d, %d of %d are taken", i, g.served, MaxServedAll)
		}
	}
}

// What a peer spends on comparing is forgotten with time, and with what it fetches or delivers.
func TestComparingSpent(t *testing.T) {
	now := time.Unix(1000, 0)
	a := new(comparingSpent)
	if !a.left(now) {
		t.Fatal("none at first")
	}
	a.spend(now, CompareBurst+CompareRate)
	if a.left(now) {
		t.Error("more than there is")
	}
	if !a.left(now.Add(1100 * time.Millisecond)) {
		t.Error("not forgotten")
	}
	a.earn(CompareBurst / CompareEarned)
	a.spend(now, CompareBurst*5/4)
	a.earn(CompareBurst / CompareEarned / 2)
	if !a.left(now) {
		t.Error("what it fetched does not count")
	}
	a.earn(1 << 30) // of which one burst is kept
	if unearned := a.spend(now, CompareBurst); unearned > 0 {
		t.Errorf("%d units are not earned", unearned)
	}
	if unearned := a.spend(now, CompareBurst); unearned != CompareBurst || a.left(now) {
		t.Errorf("%d units are not earned, of %d", unearned, CompareBurst)
	}
}

// Ever new identities that compare for nothing get a bounded part of a core, all together. A peer
// that fetches what was listed does not wait for them.
func TestUnearnedComparingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewLimiter(Config{})
		ctx, done := context.WithCancel(t.Context())
		visitOf := func(name string) *Served {
			b, err := g.enter(peer.ID(name))
			if err != nil {
				t.Fatal(err)
			}
			return &Served{budget: b, limiter: g}
		}
		const message, seconds = 256, 20
		var all sync.WaitGroup
		var got atomic.Int64
		for i := range 30 {
			all.Go(func() {
				for j := 0; visitOf(fmt.Sprint(i, j)).PayCompared(ctx, message) == nil; j++ {
					got.Add(message)
				}
			})
		}
		time.Sleep(seconds * time.Second / 2)
		newcomer := visitOf("newcomer")
		g.Earned("newcomer", message/CompareEarned)
		began := time.Now()
		for range 10 {
			if err := newcomer.PayCompared(ctx, message); err != nil {
				t.Fatal(err)
			}
			g.Earned("newcomer", message/CompareEarned)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the newcomer waited for %v", took)
		}
		time.Sleep(seconds * time.Second / 2)
		done()
		all.Wait()
		if n := got.Load(); n > (seconds+2)*CompareRateAll {
			t.Errorf("they got %d units in %d s", n, seconds)
		}
	})
}

// The rate limit delays a greedy peer and does not refuse it.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewLimiter(Config{})
		b, err := g.enter(peer.ID("greedy"))
		if err != nil {
			t.Fatal(err)
		}
		defer g.exit(b)
		v := &Served{budget: b, limiter: g}
		ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer done()
		if err := v.Pay(ctx, ServeBurst); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = v.Pay(ctx, ServeRate/10)
		if took := time.Since(began).Round(time.Millisecond); err != nil || took != 100*time.Millisecond {
			t.Errorf("paid after %s, %v", took, err)
		}
		if err := v.Pay(ctx, ServeRate); err == nil {
			t.Error("paid for more than there was time")
		}
	})
}

// TestWholeSetAtOnce holds that a peer gets the whole set at full speed, however large it is. From
// then on it gets no more than the rate. Before, a copy of a million records went on at a third of
// the speed from the 700,000th record on.
func TestWholeSetAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := uint64(100)
		g := NewLimiter(Config{Records: func() uint64 { return records }})
		var b budget
		waited := func(units int) time.Duration {
			began := time.Now()
			if err := g.spend(t.Context(), &b, units); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		if w := waited(ServeBurst) + waited(ServeRate); w != time.Second {
			t.Errorf("of a small set: it waited for %v", w)
		}
		records = 10_000_000 // they came meanwhile
		whole := int(records) * serveRecord
		if w := waited(whole - ServeBurst); w != 0 {
			t.Errorf("of a large set: it waited for %v", w)
		}
		if w := waited(ServeRate); w != time.Second {
			t.Errorf("beyond the set: it waited for %v", w)
		}
		time.Sleep(time.Hour)
		if w := waited(3600*ServeRate) + waited(ServeRate/2); w != time.Second/2 {
			t.Errorf("an hour later: it waited for %v", w)
		}
	})
}

// TestGivesUnitsBack holds that a peer does not pay for what it did not wait for.
func TestGivesUnitsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewLimiter(Config{})
		var b budget
		soon, done := context.WithTimeout(t.Context(), time.Second)
		defer done()
		for _, units := range []int{ServeBurst, ServeRate / 2} {
			if err := g.spend(soon, &b, units); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 { // in vain: the deadline is too near
			if err := g.spend(soon, &b, 10*ServeRate); !errors.Is(err, errSpent) {
				t.Fatal(err)
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if err := g.spend(leaving, &b, 10*ServeRate); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		began := time.Now()
		if err := g.spend(t.Context(), &b, 2*ServeRate); err != nil || time.Since(began) != time.Second {
			t.Errorf("it waited for %v: %v", time.Since(began), err)
		}
	})
}
