package bench

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// BenchmarkBesideSolver measures what a search for a proof costs a node that takes in as many
// records as it can. In turns it does so alone, and beside a search with a node's default of
// threads: all cores but one, at low priority. The metric is the rate beside the search in percent
// of the other, the median of the pairs.
func BenchmarkBesideSolver(b *testing.B) {
	const portion, rounds = 3_000, 8
	maker, err := synthetic.NewMaker(synthetic.Series())
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(filepath.Join(b.TempDir(), "lf.db"), maker.Network(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	threads := max(runtime.GOMAXPROCS(0)-1, 1)
	pow.Paths() // measured before
	for b.Loop() {
		var shares []float64
		for range rounds {
			alone := ingest(b, s, maker, portion)
			stop := search(b, threads)
			beside := ingest(b, s, maker, portion)
			stop()
			shares = append(shares, 100*alone.Seconds()/beside.Seconds())
		}
		slices.Sort(shares)
		b.ReportMetric((shares[rounds/2-1]+shares[rounds/2])/2, "%-of-alone")
		b.ReportMetric(shares[0], "least-%")
		b.ReportMetric(shares[rounds-1], "most-%")
	}
	b.ReportMetric(0, "ns/op")
}

// search searches for a proof that there is not, until it is stopped.
func search(b *testing.B, threads int) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if _, err := pow.Solve(ctx, []byte("beside"), math.MaxUint32, threads, nil, pow.Background()); !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	})
	return func() { cancel(); done.Wait() }
}

// ingest verifies records on all cores and stores them, a batch while the next is verified. It
// returns how long that took.
func ingest(b *testing.B, s *store.Store, maker *synthetic.Maker, count int) time.Duration {
	b.Helper()
	records, err := maker.Make(count)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var storing sync.WaitGroup
	for batch := range slices.Chunk(records, 256) {
		var verifying sync.WaitGroup
		cores := runtime.GOMAXPROCS(0)
		for part := range slices.Chunk(batch, (len(batch)+cores-1)/cores) {
			verifying.Go(func() { verifyAll(b, maker.Network(), part) })
		}
		verifying.Wait()
		storing.Wait()
		storing.Go(func() {
			if _, err := s.PutAll(b.Context(), batch, nil); err != nil {
				b.Error(err)
			}
		})
	}
	storing.Wait()
	return time.Since(began)
}

func verifyAll(b *testing.B, n *protocol.Network, records []*protocol.Record) {
	for _, r := range records {
		if err := n.CheckAuthorship(r); err != nil {
			b.Error(err)
		}
	}
}
