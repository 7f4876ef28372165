package pulse

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// TestPulsesOfOthers: nobody pulses for somebody else's record. Whoever tries it has its pulses
// rejected, and neither knows nor spends anything of the owner's.
func TestPulsesOfOthers(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	owner, thief := newKey(t), newKey(t)
	r := w.record(owner, "svc", 0)
	other := w.record(thief, "svc", 0) // an impostor's claim under the same key
	now := w.seconds()
	for i := range uint64(5) {
		if v := w.hear(w.network.NewPulse(r.ID(), now-i, thief), "thief"); v != Forged {
			t.Fatalf("a stranger's pulse is %s", v)
		}
	}
	moved := w.network.NewPulse(other.ID(), now, thief)
	moved.Record = r.ID()
	if v := w.hear(moved, "thief"); v != Forged {
		t.Errorf("a pulse of another record is %s", v)
	}
	if v := w.hear(w.network.NewPulse(other.ID(), now, thief), "thief"); v != Accepted {
		t.Errorf("the impostor's pulse of its own record is %s", v)
	}
	claim := Claim{r.CompositeID(), protocol.OwnerOf(owner)}
	if _, ok := w.Newest(claim); ok {
		t.Error("the rightful owner is alive by somebody else's pulses")
	}
	if v := w.hear(w.network.NewPulse(r.ID(), now-5, owner), "honest"); v != Accepted {
		t.Errorf("the owner's own pulse is %s", v)
	}
}

// TestReplays: a pulse counts once. Old ones do not make a dead service live.
func TestReplays(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	r := w.record(key, "svc", 0)
	claim := Claim{r.CompositeID(), protocol.OwnerOf(key)}
	var said []protocol.Pulse
	for range 20 {
		p := w.network.NewPulse(r.ID(), w.seconds(), key)
		if v := w.hear(p, "a"); v != Accepted {
			t.Fatal(v)
		}
		said = append(said, p)
		w.pass(time.Minute)
	}
	last := said[len(said)-1]
	for range 3 {
		for i, p := range said {
			want := Known
			if p.Second+pastSeconds < w.seconds() {
				want = Clock
			}
			if v := w.hear(p, "replays"); v != want {
				t.Errorf("pulse %d again: %s", i, v)
			}
		}
		if p, ok := w.Newest(claim); !ok || p != last {
			t.Fatalf("%+v", p)
		}
		w.pass(5 * time.Minute)
	}
	w.pass(protocol.PulseKeep)
	for _, p := range said {
		if v := w.hear(p, "replays"); v != Clock {
			t.Errorf("a day later it is %s", v)
		}
	}
	if _, ok := w.Newest(claim); ok {
		t.Error("it is alive after a day")
	}
}

// TestSecondsAhead: nobody is alive in the future. The most that an owner can do is the drift.
func TestSecondsAhead(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	r := w.record(key, "svc", 0)
	now, drift := w.seconds(), w.network.Params().ClockDrift/1000
	for _, ahead := range []uint64{drift + 1, 3600, 1 << 40} {
		if v := w.hear(w.network.NewPulse(r.ID(), now+ahead, key), "a"); v != Clock {
			t.Errorf("%d s ahead: %s", ahead, v)
		}
	}
	if v := w.hear(w.network.NewPulse(r.ID(), now+drift, key), "a"); v != Accepted {
		t.Fatal(v)
	}
	p, _ := w.Newest(Claim{r.CompositeID(), protocol.OwnerOf(key)})
	if p.Second != now+drift {
		t.Error(p.Second)
	}
	if v := w.hear(w.network.NewPulse(r.ID(), now, key), "a"); v != Known {
		t.Errorf("one of now is %s, and that is the owner's own doing", v)
	}
}

// TestSpentBudget: what a record pays for ends by itself, and nobody else can end it earlier.
func TestSpentBudget(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	owner, stranger := newKey(t), newKey(t)
	r := w.record(owner, "svc", 1) // two hours
	for minute := range 150 {
		// the stranger goes first each time, with more seconds than the owner could use
		for i := range uint64(5) {
			if v := w.hear(w.network.NewPulse(r.ID(), w.seconds()+i, stranger), peer.ID(fmt.Sprint("p", minute))); v != Forged && v != Known {
				t.Fatalf("minute %d: a stranger's pulse is %s", minute, v)
			}
		}
		want := Accepted
		if minute > 120 {
			want = Ended
		}
		if v := w.hear(w.network.NewPulse(r.ID(), w.seconds(), owner), "honest"); v != want {
			t.Fatalf("minute %d: %s, want %s", minute, v, want)
		}
		w.pass(time.Minute)
	}
}

// TestUnknownRecords: pulses for records that a node lacks cost a bounded number of look-ups, and
// nobody is blamed.
func TestUnknownRecords(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	looked := 0
	for i := range lookupBurst + 100 {
		p := w.network.NewPulse(protocol.ID{1, byte(i), byte(i >> 8)}, w.seconds(), key)
		switch v := w.hear(p, "babbler"); v {
		case NoRecord:
			looked++
		case OverBudget:
		default:
			t.Fatal(v)
		}
	}
	if looked != lookupBurst {
		t.Errorf("%d records were looked for, want %d", looked, lookupBurst)
	}
	r := w.record(key, "svc", 0)
	if v := w.hear(w.network.NewPulse(r.ID(), w.seconds(), key), "honest"); v != Accepted {
		t.Errorf("another peer's pulse is %s", v)
	}
}

// TestFlood: where there is no room for all, what paid more is kept. Of those that paid nothing, an
// owner with many claims makes way for one with few.
func TestFlood(t *testing.T) {
	t.Parallel()
	const size = 20
	w := newTestWorld(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	w.plan.book = newBook(size)
	flooder := newKey(t)
	honest := map[Claim]bool{}
	for i := range size / 2 {
		key := newKey(t)
		r := w.record(key, fmt.Sprint("honest ", i), 1000+uint32(i))
		honest[Claim{r.CompositeID(), protocol.OwnerOf(key)}] = true
		if v := w.hear(w.network.NewPulse(r.ID(), w.seconds(), key), "honest"); v != Accepted {
			t.Fatal(v)
		}
	}
	noRoom := 0
	for i := range 5 * size {
		r := w.record(flooder, fmt.Sprint("flood ", i), 1+uint32(i%500))
		if v := w.hear(w.network.NewPulse(r.ID(), w.seconds(), flooder), "flooder"); v == NoRoom {
			noRoom++
		}
	}
	for c := range honest {
		if _, ok := w.Newest(c); !ok {
			t.Errorf("an honest claim that paid more was pushed out")
		}
	}
	if w.Count() != size {
		t.Errorf("%d claims are kept", w.Count())
	}

	free := newTestWorld(t, nil)
	free.plan.book = newBook(size)
	for i := range 3 * size {
		r := free.record(flooder, fmt.Sprint("flood ", i), 0)
		v := free.hear(free.network.NewPulse(r.ID(), free.seconds(), flooder), "flooder")
		if want := map[bool]Verdict{true: Accepted, false: NoRoom}[i < size]; v != want {
			t.Fatalf("pulse %d of the flooder: %s", i, v)
		}
	}
	for i := range size / 4 {
		key := newKey(t)
		r := free.record(key, "svc", 0)
		if v := free.hear(free.network.NewPulse(r.ID(), free.seconds(), key), "honest"); v != Accepted {
			t.Errorf("owner %d with one claim: %s", i, v)
		}
	}
	if got := free.plan.shareOf(protocol.OwnerOf(flooder)); got != size-size/4 {
		t.Errorf("the flooder has %d claims left", got)
	}
}

// TestAnswerOvertakesGossip: a pulse that came first by an answer is passed on when gossip brings
// it, once. Neighbors may have no other way to it.
func TestAnswerOvertakesGossip(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	p := w.network.NewPulse(w.record(key, "svc", 0).ID(), w.seconds(), key)
	if v, err := w.pushed(t.Context(), &p, source{peer: "a", answered: true}); v != Accepted || err != nil {
		t.Fatal(v, err)
	}
	if v, _ := w.pushed(t.Context(), &p, source{peer: "b", answered: true}); v != Known || w.published != 0 {
		t.Fatalf("another answer: %s, %d published", v, w.published)
	}
	for i, want := range []Verdict{Forwarded, Known, Known} {
		if v := w.hear(p, "c"); v != want {
			t.Errorf("copy %d is %s, want %s", i, v, want)
		}
	}
}

// TestMalformed: what is no pulse is rejected, and so is what is too long.
func TestMalformed(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	good := w.network.NewPulse(w.record(key, "svc", 0).ID(), w.seconds(), key)
	for _, raw := range [][]byte{nil, {1}, good.Encode()[:100], append(good.Encode(), 0), make([]byte, 1<<16)} {
		if v, err := w.Gossiped(t.Context(), raw, "x"); v != Malformed || err == nil {
			t.Errorf("%d bytes: %s, %v", len(raw), v, err)
		}
	}
}

// TestRestart: a node that was restarted, or killed, knows what was alive.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t, nil)
	key := newKey(t)
	r, gone := w.record(key, "svc", 0), w.record(key, "old", 0)
	old := w.network.NewPulse(gone.ID(), w.seconds(), key)
	w.hear(old, "a")
	w.save(t.Context())
	w.pass(23 * time.Hour)
	p := w.network.NewPulse(r.ID(), w.seconds(), key)
	w.hear(p, "a")
	w.save(t.Context())
	again := newWorldOn(t, w.network, w.store, time.UnixMilli(testStart).Add(23*time.Hour))
	for claim, want := range map[Claim]protocol.Pulse{
		{r.CompositeID(), r.Owner}: p, {gone.CompositeID(), r.Owner}: old,
	} {
		if got, ok := again.Newest(claim); !ok || got != want {
			t.Errorf("after a restart: %+v, %v", got, ok)
		}
	}
	if v := again.hear(p, "b"); v != Known {
		t.Errorf("it comes again and is %s", v)
	}
	again.pass(2 * time.Hour)
	again.save(t.Context())
	last := newWorldOn(t, w.network, w.store, time.UnixMilli(testStart).Add(25*time.Hour))
	if last.Count() != 1 {
		t.Errorf("%d are left after a day", last.Count())
	}
}
