package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// BenchmarkCrowd asks for one composite key that many owners claim, under several policies.
func BenchmarkCrowd(b *testing.B) {
	for _, owners := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("owners=%d", owners), func(b *testing.B) {
			if testing.Short() && owners > 1_000 {
				b.Skip("short")
			}
			w := newWorld(b)
			s := openCrowd(b, w, owners)
			for name, q := range map[string]Query{
				"default": {}, "newest": {Policy: protocol.Policy{protocol.CriterionNewest}}, "local": {Policy: protocol.Policy{protocol.CriterionLocal}},
				"explain": {Explain: true}, "oracles": {Oracles: []protocol.Owner{w.ownerID(0), w.ownerID(1), w.ownerID(2)}},
				"one owner": {Owners: []protocol.Owner{w.ownerID(owners / 2)}},
			} {
				q.Where = []Range{w.where("crowded", 0, 0)}
				b.Run(name, func(b *testing.B) {
					before := cpuTime(b)
					for b.Loop() {
						if _, err := s.Query(context.Background(), q); err != nil && !errors.Is(err, ErrTooBroad) {
							b.Fatal(err)
						} else if err != nil {
							b.ReportMetric(1, "too-broad")
						}
					}
					b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/query")
				})
			}
		})
	}
}

func openCrowd(b *testing.B, w *world, owners int) *Store {
	s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	w.name("crowded")
	var records []*protocol.Record
	for i := range owners {
		records = append(records, w.make(spec{at: uint64(i) + 1, owner: i, sels: []sel{{"crowded", 0}}, value: "v"}))
	}
	putAll(b, s, records, 64)
	return s
}
