package lfsync

import (
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

func sameSets(t testing.TB, nodes ...*node) {
	t.Helper()
	eventually(t, "the sets are equal", func() bool {
		for _, n := range nodes[1:] {
			a, b := nodes[0].Status().Sync, n.Status().Sync
			if a.Fingerprint != b.Fingerprint || a.Count != b.Count {
				return false
			}
		}
		return true
	})
}

// Two nodes that meet end with the same set, whatever either has.
func TestConverge(t *testing.T) {
	for _, c := range []struct {
		name              string
		both, here, there int
	}{
		{"equal", 50, 0, 0}, {"empty", 0, 0, 0}, {"one here", 50, 1, 0}, {"one there", 50, 0, 1}, {"one each", 50, 1, 1},
		{"a thousand", 2000, 500, 500}, {"disjoint", 0, 1500, 1500}, {"a new node", 0, 0, 3000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
			both, here, there := w.chain(t, c.both), w.chain(t, c.here), w.chain(t, c.there)
			a.load(t, append(append([]*protocol.Record{}, both...), here...)...)
			b.load(t, append(append([]*protocol.Record{}, both...), there...)...)
			began := time.Now()
			connect(t, b.host, a.host)
			sameSets(t, a, b)
			took := time.Since(began)
			eventually(t, "both know", func() bool {
				return a.Status().Sync.State == StateSynced && b.Status().Sync.State == StateSynced
			})
			t.Logf("equal after %s, known after %s", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		})
	}
}
