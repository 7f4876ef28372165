package service

import (
	"strconv"
	"testing"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
)

// BenchmarkSet writes values through a node whose network asks for no work, with names that are
// derived already. One part takes a new key each time, the other the same key. cpu-µs/op is
// processor time of the whole process.
func BenchmarkSet(b *testing.B) {
	for name, names := range map[string]int{"newKeys": 1 << 30, "oneKey": 1} {
		b.Run(name, func(b *testing.B) {
			s := newTestService(b, nodetest.NewNetwork(b, 0))
			set := func(i int) {
				text := "value " + strconv.Itoa(i)
				_, err := s.Set(b.Context(), api.SetRequest{Selectors: api.MustSelectors("bench#" + strconv.Itoa(i%names)), Text: &text})
				if err != nil {
					b.Fatal(err)
				}
			}
			set(0)
			b.ReportAllocs()
			before, i := usage.ProcessorTime(b), 0
			for b.Loop() {
				i++
				set(i)
			}
			b.ReportMetric(float64((usage.ProcessorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
