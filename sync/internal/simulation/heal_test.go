package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

// Two halves that were cut apart for ten minutes have the same records soon after they meet again.
func TestHalvesHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(unlessRace(20, 10), 6, *flagSeed)))
		w.start()
		w.settle()
		h := w.heal(10*time.Minute, unlessRace(300, 60), 200)
		t.Log(h)
		w.inSync(10 * time.Second)
		if h.took > 30*time.Second {
			t.Errorf("took %v to heal, want at most 30 s", h.took)
		}
	})
}

// Halves that are cut apart and meet again faster than connections end lose nothing either.
func TestFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(12, 6, *flagSeed)))
		w.start()
		w.settle()
		for _, cut := range []time.Duration{time.Second, 10 * time.Second, 29 * time.Second, 31 * time.Second, 70 * time.Second} {
			w.set(func(c *conditions) { c.severed = halves(6) })
			w.writes(w.nodes, 10, 200, cut/10)
			w.set(func(c *conditions) { c.severed = nil })
			time.Sleep(cut / 2)
		}
		w.agree(5 * time.Minute)
	})
}

// A node that comes when the others have had their records for long has them soon.
func TestLateJoiner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes, records := unlessRace(8, 5), unlessRace(2000, 500)
		w := newWorld(t, ordinary(full(nodes)))
		old, joiner := w.nodes[:nodes-1], w.nodes[nodes-1]
		var bytes int64
		for _, r := range w.history(old, records, 200) {
			bytes += int64(r.WireSize())
		}
		w.start(old...)
		w.settle()
		before, began := w.used(usage{}), time.Now()
		w.start(joiner)
		took := w.agree(5 * time.Minute).Sub(began)
		u := w.used(before)
		w.inSync(10 * time.Second)
		t.Logf("%d records, %d B, took %v (%.0f/s); %v", records, bytes, took, float64(records)/took.Seconds(), u)
		if took > time.Minute {
			t.Errorf("took %v, want at most a minute", took)
		}
	})
}

// A node that was off for a day, while others wrote now and then, catches up with what it missed.
func TestDayAway(t *testing.T) {
	away := 24 * time.Hour
	if raceDetector || testing.Short() {
		away = 2 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(full(3)))
		w.start()
		w.settle()
		w.writes(w.nodes, 10, 200, time.Second)
		w.agree(time.Minute)
		gone := w.nodes[2]
		if err := gone.close(); err != nil {
			t.Fatal(err)
		}
		missed := w.writes(w.nodes[:2], 100, 200, away/100)
		before, began := w.used(usage{}), time.Now()
		w.start(gone)
		took := w.agree(5 * time.Minute).Sub(began)
		t.Logf("100 records, %d B, took %v; %v", missed, took, w.used(before))
		w.inSync(10 * time.Second)
		if took > 30*time.Second {
			t.Errorf("took %v, want at most 30 s", took)
		}
	})
}

// What was written beyond a cut goes on from node to node when it is healed, also where all have
// been quiet for long. Nobody has to wait for a peer's next turn.
func TestLineHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(line(unlessRace(12, 8))))
		w.start()
		w.settle()
		time.Sleep(20 * time.Minute)
		h := w.heal(5*time.Minute, 20, 200)
		t.Log(h)
		if h.took > time.Minute {
			t.Errorf("took %v to heal, want at most a minute", h.took)
		}
	})
}
