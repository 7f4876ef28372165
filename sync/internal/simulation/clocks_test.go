package simulation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	lfsync "github.com/lf-store/lf/sync"
)

// knowsInSync has a node wait until it is in sync, and returns its status.
func (n *node) knowsInSync(atMost time.Duration) lfsync.SyncStatus {
	n.world.t.Helper()
	ctx, done := context.WithTimeout(n.world.t.Context(), atMost)
	defer done()
	st, err := n.sync.WaitSynced(ctx)
	if err != nil || st.State != lfsync.StateSynced || st.Missing != 0 {
		n.world.t.Fatalf("node %d is not in sync: %+v, %v", n.index, st, err)
	}
	return st
}

// One node with a wrong clock, or one record that is dated ahead, keeps nobody out of sync. What is
// dated right still reaches everybody, and each node says how many records it leaves out.
func TestClockAhead(t *testing.T) {
	for name, c := range map[string]struct{ clock, record time.Duration }{
		"a clock 12 h ahead":       {12 * time.Hour, 12 * time.Hour},
		"a clock 3 min ahead":      {3 * time.Minute, 3 * time.Minute},
		"a record 48 h ahead":      {0, 48 * time.Hour},
		"a record ten years ahead": {0, 10 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ordinary(full(4)))
				wrong, right := w.nodes[0], w.nodes[1:]
				wrong.ahead = c.clock
				for _, r := range w.history(right, 50, 200) {
					wrong.load(r)
				}
				wrong.load(wrong.composeAt(200, time.Now().Add(c.record)))
				w.start()
				for range 5 {
					for _, n := range w.nodes {
						n.knowsInSync(10 * time.Second)
					}
					time.Sleep(40 * time.Second)
					for _, n := range right { // they know nothing of the record ahead
						r := n.compose(200)
						n.load(r)
					}
				}
				for _, n := range right {
					st := n.knowsInSync(10 * time.Second)
					if _, waiting := n.store.Count(); waiting > 0 && c.record > 24*time.Hour {
						t.Errorf("node %d keeps %d records", n.index, waiting)
					}
					if c.record > time.Hour {
						w.await(10*time.Minute, "a node says what it leaves out", func() bool {
							st = n.sync.Status().Sync
							return st.AheadPeers == 1 && st.Ahead == 1 && st.OwnAhead == 0
						})
					}
				}
				if st := wrong.knowsInSync(10 * time.Second); c.clock == 0 && st.OwnAhead != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// Records of a node whose clock is ahead come when their time has come.
func TestTimeComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(full(3)))
		w.nodes[0].ahead = 20 * time.Minute
		w.start()
		w.settle()
		w.nodes[0].write(100)
		time.Sleep(time.Minute)
		for _, n := range w.nodes[1:] {
			n.knowsInSync(10 * time.Second)
			if attached, _ := n.store.Count(); attached != len(w.network.Genesis()) {
				t.Errorf("node %d has attached %d records", n.index, attached)
			}
		}
		time.Sleep(18 * time.Minute)
		w.agree(10 * time.Minute)
		w.inSync(10 * time.Second)
	})
}

// Two nodes with whatever clocks and whatever sets converge on what lies below the lower bound, and
// both know it.
func TestAnyTwoClocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		off := rapid.SampledFrom([]time.Duration{-365 * 24 * time.Hour, -time.Hour, -3 * time.Minute, -time.Minute, 0, time.Second, time.Minute, 5 * time.Minute, time.Hour, 1e6 * time.Hour})
		first, second := off.Draw(rt, "first"), off.Draw(rt, "second")
		times := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{-2 * time.Hour, -time.Minute, 90 * time.Second, 150 * time.Second, 4 * time.Minute, time.Hour, 30 * time.Hour}), 0, 12)
		lists := [2][]time.Duration{times.Draw(rt, "times of the first"), times.Draw(rt, "times of the second")}
		synctest.Test(t, func(t *testing.T) {
			// clocks may be years behind, and the bubble begins where its genesis does
			time.Sleep(3 * 365 * 24 * time.Hour)
			w := newWorld(t, ordinary(full(2)))
			for i, n := range w.nodes {
				n.ahead = [2]time.Duration{first, second}[i]
				for _, at := range lists[i] {
					n.load(n.composeAt(50, time.Now().Add(at)))
				}
			}
			w.start()
			time.Sleep(10 * time.Second)
			for _, n := range w.nodes {
				n.knowsInSync(20 * time.Second)
			}
			// what it was on the way
			bound := uint64(time.Now().Add(min(first, second)).UnixMilli()) + w.network.Params().ClockDrift - 60_000
			a, b := below(w.nodes[0], bound), below(w.nodes[1], bound)
			if a != b {
				t.Errorf("%d and %d records below the lower bound", a, b)
			}
		})
	})
}

func below(n *node, bound uint64) (count int) {
	for _, r := range must(all(n.store))(n.world.t) {
		if r.Timestamp < bound {
			count++
		}
	}
	return count
}
