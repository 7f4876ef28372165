package fetch

import (
	"slices"
	"strconv"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// BenchmarkPlan lists 100,000 records and has eight peers fetch them, well: what scheduling
// costs a record.
func BenchmarkPlan(b *testing.B) {
	const records, peers = 100_000, 8
	ids := make([]protocol.ID, records)
	for i := range ids {
		ids[i] = testID(strconv.Itoa(i))
	}
	l := defaultLimits()
	l.wanted = records
	b.ReportAllocs()
	for b.Loop() {
		s := newPlanner(l)
		for i := range peers {
			s.peerUp(peer.ID(strconv.Itoa(i)))
		}
		for chunk := range slices.Chunk(ids, 1000) {
			s.listed(chunk, peer.ID("0"))
		}
		for requests := s.take(); len(requests) > 0; {
			var more []action
			for _, a := range requests {
				if a, ok := a.(sendRequest); ok {
					for batch := range slices.Chunk(a.ids, maxFetchBatch) {
						s.came(batch)
					}
					s.done(a.request, answer{})
					s.have(a.ids)
					more = append(more, s.take()...)
				}
			}
			requests = more
		}
		if len(s.wanted) > 0 {
			b.Fatalf("%d are still wanted", len(s.wanted))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
