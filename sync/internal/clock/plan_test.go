package clock

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// clockBench is clocks with a time that the test turns.
type clockBench struct {
	*estimates
	now    time.Duration
	offset int64 // of this node's clock, in ms
}

const benchEpoch = 1_700_000_000_000

func newClockBench() *clockBench {
	return &clockBench{estimates: newEstimates(func() float64 { return 0.5 })}
}

func (b *clockBench) wall() int64 { return benchEpoch + b.now.Milliseconds() + b.offset }

// step is 200 ms, or more where much time passes.
func step(d time.Duration) time.Duration {
	if d > time.Hour {
		return 10 * time.Second
	}
	return 200 * time.Millisecond
}

// run lets time pass, and answers each question at once with what peers' clocks are; a peer without
// one is silent.
func (b *clockBench) run(d time.Duration, ahead map[peer.ID]time.Duration) (asked []peer.ID) {
	for end := b.now + d; b.now < end; b.now += step(d) {
		for _, p := range b.tick(b.now, b.wall()) {
			asked = append(asked, p)
			if a, ok := ahead[p]; ok {
				theirs := benchEpoch + b.now + 50*time.Millisecond + a
				b.read(p, Reading{uint64(benchEpoch + (theirs - benchEpoch).Milliseconds()), b.now, b.now + 100*time.Millisecond})
			} else {
				b.failed(p, b.now+10*time.Second)
			}
		}
	}
	return asked
}

func (b *clockBench) want(t *testing.T, offset time.Duration, peers, silent int) {
	t.Helper()
	s := b.status(b.now, b.wall())
	if s.Offset != offset || s.Peers != peers || s.Silent != silent || peers > 0 && (s.Error < 50*time.Millisecond || s.Error > 60*time.Millisecond) {
		t.Errorf("%+v, want an offset of %s, %d peers and %d silent ones", s, offset, peers, silent)
	}
}

func TestClocks(t *testing.T) {
	b := newClockBench()
	b.want(t, 0, 0, 0)
	b.meet("a", true, b.now)
	if asked := b.run(firstDelay, nil); len(asked) > 0 {
		t.Error("asked at once")
	}
	ahead := map[peer.ID]time.Duration{"a": 3 * time.Minute}
	if asked := b.run(firstDelay, ahead); len(asked) != 1 {
		t.Errorf("%d questions soon after", len(asked))
	}
	b.want(t, 3*time.Minute, 1, 0)
	// A peer that comes and goes is not asked more often, and what it said stands.
	for range 10 {
		b.meet("a", false, b.now)
		b.run(time.Minute, ahead)
		b.meet("a", true, b.now)
		if asked := b.run(time.Minute, ahead); len(asked) > 0 {
			t.Fatal("asked again")
		}
	}
	b.want(t, 3*time.Minute, 1, 0)
	ahead["a"] = time.Minute
	if asked := b.run(askEvery+askEvery/8, ahead); len(asked) != 1 {
		t.Errorf("%d questions in %s", len(asked), askEvery)
	}
	b.want(t, time.Minute, 1, 0)
	// An answer counts for a while after the peer has fallen silent.
	b.run(keepTime-time.Hour, nil)
	b.want(t, time.Minute, 1, 0)
	b.run(2*time.Hour, nil)
	b.want(t, 0, 0, 1)
	b.meet("a", false, b.now)
	b.run(2*askEvery, nil)
	if len(b.peers) > 0 {
		t.Errorf("a silent peer that left is remembered: %+v", b.peers["a"])
	}
}

// TestClocksMedian holds that only more than half of the peers can put this node in the wrong.
func TestClocksMedian(t *testing.T) {
	for _, test := range []struct {
		ahead []time.Duration
		want  time.Duration
	}{
		{[]time.Duration{0, time.Hour}, 0},
		{[]time.Duration{time.Minute, time.Hour}, time.Minute},
		{[]time.Duration{-time.Hour, -time.Minute}, -time.Minute},
		{[]time.Duration{time.Second, time.Hour, -time.Hour}, time.Second},
		{[]time.Duration{0, time.Second, time.Hour, time.Hour}, time.Second},
		{[]time.Duration{3 * time.Minute, 3 * time.Minute, 3 * time.Minute, 0}, 3 * time.Minute},
	} {
		b, ahead := newClockBench(), map[peer.ID]time.Duration{}
		for i, a := range test.ahead {
			p := peer.ID(strconv.Itoa(i))
			ahead[p] = a
			b.meet(p, true, b.now)
		}
		b.run(10*time.Second, ahead)
		b.want(t, test.want, len(test.ahead), 0)
	}
	b := newClockBench()
	b.meet("liar", true, 0)
	b.tick(0, b.wall())
	b.tick(time.Minute, b.wall()+time.Minute.Milliseconds())
	b.read("liar", Reading{1<<53 - 1, time.Minute, time.Minute})
	if s := b.status(time.Minute, b.wall()); s.Offset != mostOffset*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

// TestClocksJump holds that what was measured is void when this node's clock is set, and measured
// again, not too often.
func TestClocksJump(t *testing.T) {
	b := newClockBench()
	b.meet("a", true, b.now)
	ahead := map[peer.ID]time.Duration{"a": 3 * time.Minute}
	b.run(10*time.Second, ahead)
	b.want(t, 3*time.Minute, 1, 0)
	b.offset = 3 * time.Minute.Milliseconds()
	b.run(time.Second, ahead)
	b.want(t, 0, 0, 1)
	b.run(jumpPause+firstDelay, ahead)
	b.want(t, 0, 1, 0)
	asked := 0
	for range 60 {
		b.offset += 5000
		asked += len(b.run(10*time.Second, ahead))
	}
	if asked > 10 {
		t.Errorf("%d questions in 10 minutes to one peer", asked)
	}
}

// TestClocksAreBounded holds that few of many peers are asked, few at a time, and others when those
// are gone.
func TestClocksAreBounded(t *testing.T) {
	b, ahead := newClockBench(), map[peer.ID]time.Duration{}
	for i := range maxPeers + 10 {
		p := peer.ID(strconv.Itoa(i))
		ahead[p] = 0
		b.meet(p, true, b.now)
	}
	if len(b.peers) != maxPeers {
		t.Errorf("%d peers are remembered", len(b.peers))
	}
	if asked := b.tick(time.Minute, b.wall()+time.Minute.Milliseconds()); len(asked) != clocksAtOnce {
		t.Errorf("%d questions at a time", len(asked))
	} else {
		for _, p := range asked {
			b.failed(p, time.Minute)
		}
	}
	b.now = time.Minute
	asked := b.run(time.Hour, ahead)
	if len(asked) != maxClocks {
		t.Errorf("%d peers were asked", len(asked))
	}
	b.want(t, 0, maxClocks, clocksAtOnce)
	for p := range ahead {
		b.meet(p, !slices.Contains(asked, p), b.now)
	}
	b.run(3*askEvery, ahead)
	if again := b.status(b.now, b.wall()); again.Peers != maxClocks {
		t.Errorf("%+v", again)
	}
}
