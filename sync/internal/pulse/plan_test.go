package pulse

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// TestOutbox: a relayed peer gets at most 64 pulses a minute, the newest of each claim. Where there
// are too many, it gets those that paid more.
func TestOutbox(t *testing.T) {
	t.Parallel()
	o, now := newOutbox(), time.Unix(1_800_000_000, 0)
	for i := range 3 * MaxPush {
		f := factsFor(1, i, uint32(1+i))
		o.add(pulseFor(f, 100), f, now)
		o.add(pulseFor(f, 160), f, now) // takes the place of the one before
	}
	if len(o.waiting) != MaxPush {
		t.Fatalf("%d wait", len(o.waiting))
	}
	if batch := o.take(now); batch != nil {
		t.Fatalf("%d go before others had a chance to come along", len(batch))
	}
	batch := o.take(now.Add(gatherTime))
	if len(batch) != MaxPush {
		t.Fatalf("%d go", len(batch))
	}
	for _, w := range batch {
		if p := w.Pulse; p.Second != 160 || int(p.Record[0])+256*int(p.Record[2]) < 2*MaxPush {
			t.Fatalf("%+v went", p)
		}
	}
	if o.take(now.Add(time.Hour)) != nil {
		t.Fatal("two are on their way")
	}
	for try := range maxRetries + 1 { // the peer does not take them
		if dropped := o.again(batch, now); (dropped == 0) != (try < maxRetries) {
			t.Fatalf("try %d: %d are given up", try, dropped)
		}
		now = now.Add(time.Minute)
		if o.take(now.Add(-time.Minute)) != nil {
			t.Fatal("they go again at once")
		}
		if try < maxRetries {
			if batch = o.take(now.Add(time.Minute)); len(batch) != MaxPush {
				t.Fatalf("%d go again", len(batch))
			}
		}
		now = now.Add(time.Minute)
	}
	if o.take(now.Add(time.Hour)) != nil {
		t.Fatal("something goes of nothing")
	}
	now = now.Add(time.Second)
	sent, left := 0, 0
	for minute := range 10 {
		for i := range 200 {
			f := factsFor(1, i, 1)
			left += o.add(pulseFor(f, uint64(1000+60*minute)), f, now)
			now = now.Add(300 * time.Millisecond)
			sent += len(o.take(now))
			o.sent()
		}
	}
	if sent > 10*relayRate+MaxPush || sent < 9*relayRate || left == 0 {
		t.Errorf("%d were sent in ten minutes, %d dropped", sent, left)
	}
}

// TestAsks: each peer is asked soon after it came, one at a time. One with something that could not
// be taken is asked again soon, then later and later; the others seldom.
func TestAsks(t *testing.T) {
	t.Parallel()
	a := newAsks(rand.New(rand.NewPCG(1, 1)).Float64)
	peers := []peer.ID{"a", "b", "c"}
	for _, p := range peers {
		a.meet(p, true, 0)
		a.meet(p, true, time.Hour) // again changes nothing
	}
	asked := map[peer.ID]int{}
	settled := map[peer.ID]bool{} // asked soon after the pulses from before the start have settled
	for now := time.Duration(0); now < 3*time.Hour; now += 200 * time.Millisecond {
		p, ok := a.next(now)
		if !ok {
			continue
		}
		if _, two := a.next(now); two {
			t.Fatal("two are asked at a time")
		}
		if asked[p] == 0 && (now < askDelay || now > 3*askDelay) {
			t.Errorf("%s is asked after %v", p, now)
		}
		asked[p]++
		settled[p] = settled[p] || now >= settledAfter && now < 3*settledAfter
		a.done(p, p != "b", now)
	}
	if len(settled) != len(peers) || !settled["a"] || !settled["c"] {
		t.Errorf("asked again when pulses had settled: %v", settled)
	}
	if asked["a"] < 5 || asked["a"] > 8 || asked["b"] < 10 || asked["b"] > 14 {
		t.Errorf("asked: %v", asked)
	}
	a.meet("a", false, 0)
	a.done("a", true, 0)
	if len(a.peers) != 2 {
		t.Error("one that has gone is remembered")
	}
}

// TestOrderOfChecks: the first check that fails decides, and what comes after it costs nothing.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	second := uint64(now.Unix())
	n := newNetwork(t, nil)
	drift := n.Params().ClockDrift / 1000
	p := newPlan(n, 10)
	f := factsFor(1, 1, 5)
	f.Last = second + 1000
	for name, row := range map[string]struct {
		second   uint64
		answered bool
		want     bool
	}{
		"now": {second, false, true}, "ahead by the drift": {second + drift, false, true}, "and a second": {second + drift + 1, false, false},
		"ten minutes old": {second - pastSeconds, false, true}, "and a second old": {second - pastSeconds - 1, false, false},
		"a day old, asked for": {second - keepSeconds, true, true}, "and a second old, asked for": {second - keepSeconds - 1, true, false},
		"ahead, asked for": {second + drift + 1, true, false}, "second 1": {1, true, false}, "the last second": {protocol.MaxPulseSecond, true, false},
	} {
		if got := p.inTime(row.second, source{peer: "x", answered: row.answered}, now); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	from := source{peer: "x"}
	take := func(second uint64, f *Facts, from source) Verdict {
		pulse := pulseFor(f, second)
		if v := p.screen(&pulse, f, from, now); v != Accepted {
			return v
		}
		return p.accept(&pulse, f, from)
	}
	withdrawn := factsFor(1, 1, 5)
	withdrawn.Stands = false
	for _, step := range []struct {
		name   string
		second uint64
		facts  *Facts
		want   Verdict
	}{
		{"of a withdrawn record", second, withdrawn, Withdrawn},
		{"the first", second, f, Accepted},
		{"again", second, f, Known},
		{"an older one", second - 1, f, Known},
		{"59 s later", second + 59, f, TooSoon},
		{"60 s later", second + 60, f, Accepted},
		{"the last one", f.Last, f, Accepted},
		{"past the end", f.Last + 60, f, Ended},
	} {
		if got := take(step.second, step.facts, from); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	spent := 0
	for i := 2; take(second, factsFor(2, i, 5), from) != OverBudget; i++ {
		spent++
	}
	if want := peerBurst - 5; spent != want { // what was withdrawn or known cost nothing
		t.Errorf("%d were verified, want %d", spent, want)
	}
	if v := take(second, factsFor(3, 1, 5), source{peer: "y"}); v != Accepted && v != NoRoom {
		t.Errorf("another peer pays for it: %s", v)
	}
	relayed := source{peer: "z", relayed: true}
	for i := range relayBurst {
		if v := take(second, factsFor(4, i, 5), relayed); v == OverBudget {
			t.Fatalf("a relayed peer has only %d", i)
		}
	}
	if v := take(second, factsFor(4, relayBurst, 5), relayed); v != OverBudget {
		t.Errorf("a relayed peer has more: %s", v)
	}
}
