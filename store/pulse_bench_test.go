package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// BenchmarkKeepPulses writes the pulses of all claims, as when each has beaten again: µs of the
// writer a pulse with fsync. B/claim is what the file takes for each.
func BenchmarkKeepPulses(b *testing.B) {
	for _, claims := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("claims=%d", claims), func(b *testing.B) {
			w := newWorld(b)
			s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			// rows of records that are all the same: a pulse's row refers to one by its number
			if err := s.change(b.Context(), func(t *tx) error {
				for i := range claims {
					if _, err := t.exec("INSERT OR IGNORE INTO records VALUES (?, x'00', NULL)", int64(i+1000)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
			before, err := s.size()
			if err != nil {
				b.Fatal(err)
			}
			list := make([]intake.KeptPulse, claims)
			b.ResetTimer()
			for n := range b.N {
				for i := range list {
					list[i] = intake.KeptPulse{Index: uint64(i + 1000), Pulse: protocol.Pulse{Second: uint64(1_800_000_000 + 60*n)}}
				}
				if err := s.KeepPulses(b.Context(), list, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			if _, err := s.writer.exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				b.Fatal(err)
			}
			after, err := s.size()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*claims), "µs/pulse")
			b.ReportMetric(float64(after-before)/float64(claims), "B/claim")
		})
	}
}

// BenchmarkPulses reads the pulses of this many claims with their records, as a node does at its
// start: µs a pulse.
func BenchmarkPulses(b *testing.B) {
	const claims = 20_000
	w := newWorld(b)
	s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	first := uint64(len(w.Genesis()) + 1)
	list := make([]intake.KeptPulse, claims)
	var batch []*protocol.Record
	for i := range list {
		r := w.make(spec{at: uint64(i), sels: []sel{{"svc", uint64(i)}}, value: "here"})
		list[i] = intake.KeptPulse{Index: first + uint64(i), Pulse: protocol.Pulse{Record: r.ID(), Second: 1_800_000_000}}
		if batch = append(batch, r); len(batch) == 500 {
			if _, err := s.PutAll(b.Context(), batch, nil); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
	if err := s.KeepPulses(b.Context(), list, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		if err := s.Pulses(b.Context(), func(protocol.Pulse, intake.Pulsed) { n++ }); err != nil || n != claims {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*claims), "µs/pulse")
}
