package pulse

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/protocol"
)

// BenchmarkPulse takes in a beat by gossip where this many claims pulse: what a node does for each.
// Each beat is of another record, as when all claims pulse in turn. The metric kB/claim is the
// memory that the claims take.
func BenchmarkPulse(b *testing.B) {
	for _, claims := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("claims=%d", claims), func(b *testing.B) {
			w := newTestWorld(b, nil)
			key := newKey(b)
			template := w.record(key, "svc", 0)
			facts := make([]*Facts, claims)
			now := w.seconds()
			for i := range facts {
				f := factsFor(1, i, 0)
				f.Record = protocol.ID{byte(i), byte(i >> 8), byte(i >> 16), 1}
				f.Owner, f.read = template.Owner, time.UnixMilli(testStart).Add(1000*time.Hour)
				facts[i] = f
				w.plan.put(protocol.Pulse{Record: f.Record, Second: now - 60}, f)
			}
			beats := make([][]byte, min(b.N, claims))
			made := func(from int, second uint64) {
				for i := range beats {
					p := w.network.NewPulse(facts[(from+i)%claims].Record, second, key)
					beats[i] = p.Encode()
				}
			}
			w.plan.budgets = newCache[peer.ID, *budget](maxBudgets)
			second := now
			b.ReportAllocs()
			b.ResetTimer()
			var used, since time.Duration
			for i := range b.N {
				if i%len(beats) == 0 {
					b.StopTimer()
					used += usage.ProcessorTime(b) - since
					if i == 0 {
						used = 0
					}
					made(i, second)
					if i > 0 && i%claims == 0 {
						second += 60
						w.pass(time.Minute)
						made(i, second)
					}
					since = usage.ProcessorTime(b)
					b.StartTimer()
				}
				from := peer.ID(fmt.Sprint(i / 1000)) // each peer has a budget
				if v, err := w.Gossiped(b.Context(), beats[i%len(beats)], from); v != Accepted {
					b.Fatal(v, err)
				}
			}
			b.StopTimer()
			used += usage.ProcessorTime(b) - since
			b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(b.N), "cpu-µs/pulse")
			b.ReportMetric(float64(len(beats[0])), "B/pulse")
		})
	}
}

// BenchmarkQuestion compares the pulses of two nodes that have the same: what a question costs each
// side.
func BenchmarkQuestion(b *testing.B) {
	for _, claims := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("claims=%d", claims), func(b *testing.B) {
			book := newBook(maxClaims)
			for i := range claims {
				f := factsFor(1, i, 0)
				f.Record = protocol.ID{byte(i), byte(i >> 8), byte(i >> 16), 1}
				book.put(protocol.Pulse{Record: f.Record, Second: 1_800_000_000}, f)
			}
			b.ResetTimer()
			for range b.N {
				q := question{until: 1_800_000_000, fingerprints: book.fingerprints(1_800_000_000)}
				for range book.differing(q) {
					b.Fatal("they differ")
				}
			}
		})
	}
}
