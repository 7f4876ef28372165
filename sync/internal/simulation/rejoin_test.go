package simulation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A node that missed most records and meets three peers again gets each record once. All of them
// could list the same, and gossip offers what was written last. So it is on a slow wire, too, and
// however long ago the last record was written.
func TestRejoin(t *testing.T) {
	had, missed := unlessRace(500, 100), unlessRace(1500, 300)
	for _, ago := range []time.Duration{0, 700 * time.Millisecond, 10 * time.Second} {
		for _, bandwidth := range []int{20_000_000, 1_000_000} {
			t.Run(fmt.Sprintf("%v ago, %d kbit", ago, bandwidth/1000), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := ordinary(full(4))
					c.bandwidth = bandwidth
					w := newWorld(t, c)
					others, gone := w.nodes[:3], w.nodes[3]
					w.history(w.nodes, had, 80)
					w.start(others...)
					w.settle()
					bytes := w.writes(others, missed, 80, 2*time.Millisecond)
					w.agree(time.Minute)
					time.Sleep(ago)
					before := gone.traffic.received.Load()
					w.start(gone)
					w.agree(2 * time.Minute)
					w.inSync(30 * time.Second)
					got := gone.traffic.received.Load() - before
					t.Logf("%d B received for records of %d B, %.3f times as many", got, bytes, float64(got)/float64(bytes))
					if most := bytes*115/100 + int64(unlessRace(0, 16<<10)); got > most {
						t.Errorf("%d B received for records of %d B, want at most %d", got, bytes, most)
					}
				})
			})
		}
	}
}
