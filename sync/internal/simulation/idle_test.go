package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

// A network in which nothing happens is quiet.
func TestIdle(t *testing.T) {
	during := 4 * time.Hour
	if raceDetector || testing.Short() {
		during = 15 * time.Minute
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(full(10)))
		q := w.idle(unlessRace(1000, 100), during)
		t.Log(q)
		// What is ours is nearly nothing: a comparison with one peer in five minutes. The rest is
		// QUIC's, which keeps each connection alive with a datagram and its acknowledgment in 15 s.
		if got := q.perLine(q.usage.payload()); got > 2_000 {
			t.Errorf("streams carry %.0f B an hour for each peer of a node, want at most 2 kB", got)
		}
		if got := q.perLine(q.usage.wire); got > 60_000 {
			t.Errorf("%.0f B an hour on the wire for each peer of a node, want at most 60 kB", got)
		}
	})
}

// Records that nobody writes any more do not come again: what is gossiped in hours of silence is
// nothing.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(random(6, 4, *flagSeed)))
		w.start()
		w.settle()
		w.writes(w.nodes, 20, 200, time.Second)
		w.agree(time.Minute)
		time.Sleep(10 * time.Second) // the last heartbeats that speak of it
		before := w.used(usage{})
		time.Sleep(time.Hour)
		if u := w.used(before); u.delivered > 0 || u.duplicates > 0 {
			t.Errorf("in an hour of silence %d messages were gossiped", u.delivered+u.duplicates)
		}
	})
}
