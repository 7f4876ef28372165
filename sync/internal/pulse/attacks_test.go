package pulse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/memstore"
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
	if _, ok := w.newest(claim); ok {
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
		if p, ok := w.newest(claim); !ok || p != last {
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
	if _, ok := w.newest(claim); ok {
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
	p, _ := w.newest(Claim{r.CompositeID(), protocol.OwnerOf(key)})
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
		if _, ok := w.newest(c); !ok {
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

// TestPulsesWhileLoading: pulses come while those from before a restart are read. The newest of a
// claim stays, and who asks waits.
func TestPulsesWhileLoading(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	slow := &slowStore{Store: memstore.New(n), read: make(chan struct{})}
	w := newSlowWorld(t, n, slow, time.UnixMilli(testStart))
	key := newKey(t)
	r, version := w.record(key, "svc", 0), w.record(key, "svc", 1)
	kept, came := n.NewPulse(r.ID(), w.seconds()-60, key), n.NewPulse(version.ID(), w.seconds(), key)
	old, _, err := slow.PulsedRecord(t.Context(), r.ID())
	if err == nil {
		err = slow.KeepPulses(t.Context(), []intake.KeptPulse{{Pulse: kept, Index: old.Index}}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	loading := make(chan struct{})
	go func() { w.load(t.Context()); close(loading) }()
	if v := w.hear(came, "a"); v != Accepted {
		t.Fatalf("while it loads, a pulse is %s", v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.Newest(ctx, Claim{r.CompositeID(), r.Owner}); !errors.Is(err, context.Canceled) {
		t.Errorf("the newest is told before all are read: %v", err)
	}
	if _, err := w.Submit(ctx, came); !errors.Is(err, context.Canceled) {
		t.Errorf("a pulse of a user does not wait: %v", err)
	}
	close(slow.read)
	<-loading
	if p, ok := w.newest(Claim{r.CompositeID(), r.Owner}); !ok || p != came {
		t.Errorf("the newest is %+v, %v", p, ok)
	}
	w.save(t.Context())
	var left []protocol.Pulse
	if err := slow.Pulses(t.Context(), func(p protocol.Pulse, _ intake.Pulsed) { left = append(left, p) }); err != nil || !slices.Equal(left, []protocol.Pulse{came}) {
		t.Errorf("on the disk: %+v, %v", left, err)
	}
}

// slowStore reads pulses when it is told to.
type slowStore struct {
	*memstore.Store
	read chan struct{}
}

func (s *slowStore) Pulses(ctx context.Context, yield func(protocol.Pulse, intake.Pulsed)) error {
	<-s.read
	return s.Store.Pulses(ctx, yield)
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
		if got, ok := again.newest(claim); !ok || got != want {
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
	last.pass(24 * time.Hour) // it was down for a day
	end := newWorldOn(t, w.network, w.store, time.UnixMilli(testStart).Add(49*time.Hour))
	end.save(t.Context())
	left := 0
	if err := w.store.Pulses(t.Context(), func(protocol.Pulse, intake.Pulsed) { left++ }); err != nil || left > 0 {
		t.Errorf("%d are on the disk after two days, %v", left, err)
	}
}
