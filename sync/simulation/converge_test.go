package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes, records = 20, 40
		w := newWorld(t, ordinary(random(nodes, 8, *flagSeed)))
		w.start()
		time.Sleep(5 * time.Second)
		w.writes(w.nodes, records, 200, 100*time.Millisecond)
		w.agree(5 * time.Minute)
		each, last := w.journal.spread(0)
		t.Logf("p50 %v p99 %v, to the last node p50 %v p99 %v", each.at(50), each.at(99), last.at(50), last.at(99))
	})
}
