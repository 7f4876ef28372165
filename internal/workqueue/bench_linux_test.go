package workqueue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/pow"
)

// BenchmarkPool compares a full queue with what `lf bench pow` does: the solutions that each tries
// in a second. They have as many threads, and run one after the other in each round. Its proofs are
// those of typical records. By processor time the two compare also on a machine that does other
// things: the queue's threads have low priority there.
func BenchmarkPool(b *testing.B) {
	const (
		effort  = 465
		clients = 20
		round   = 2 * time.Second
	)
	threads := runtime.GOMAXPROCS(0)
	counts := &countedSearches{}
	p := NewPool(Config{Threads: threads, Search: counts.search, Limits: Limits{Jobs: 1000, ClientJobs: 1000, Ahead: threads}})
	defer p.Close()
	p.yield = pow.YieldThread
	var queue, alone tried
	for b.Loop() {
		queue.measure(b, round, func(ctx context.Context) uint64 {
			before := counts.solutions()
			var all sync.WaitGroup
			for c := range clients {
				all.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						if _, err := solve(ctx, p, fmt.Sprint(c), fmt.Sprint(c, i), effort); err != nil && ctx.Err() == nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			return counts.solutions() - before
		})
		alone.measure(b, round, func(ctx context.Context) uint64 {
			var last pow.Progress
			_, err := pow.Solve(ctx, []byte("lf bench pow"), math.MaxUint32, threads, func(p pow.Progress) { last = p })
			if !errors.Is(err, context.DeadlineExceeded) {
				b.Error(err)
			}
			return last.Solutions
		})
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(queue.perSecond(), "solutions/s")
	b.ReportMetric(100*queue.perSecond()/alone.perSecond(), "%-of-bench-pow")
	b.ReportMetric(100*queue.perProcessor()/alone.perProcessor(), "%-by-processor")
}

// tried sums up how many solutions were tried in which time.
type tried struct {
	solutions     uint64
	elapsed, used time.Duration
}

func (t *tried) perSecond() float64    { return float64(t.solutions) / t.elapsed.Seconds() }
func (t *tried) perProcessor() float64 { return float64(t.solutions) / t.used.Seconds() }

func (t *tried) measure(b *testing.B, round time.Duration, try func(context.Context) uint64) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), round)
	defer cancel()
	begin, used := time.Now(), usage.ProcessorTime(b)
	t.solutions += try(ctx)
	t.elapsed, t.used = t.elapsed+time.Since(begin), t.used+usage.ProcessorTime(b)-used
}

// countedSearches counts the solutions that searches try.
type countedSearches struct {
	mu   sync.Mutex
	list []*pow.Search
}

func (c *countedSearches) search(challenge []byte, effort uint32) (Search, error) {
	s, err := pow.NewSearch(challenge, effort)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, s)
	return s, nil
}

func (c *countedSearches) solutions() (sum uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.list {
		sum += s.Progress().Solutions
	}
	return sum
}
