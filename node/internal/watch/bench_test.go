package watch

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// benchRecords makes records of some owners, each under one of a number of keys, which link recent
// ones.
func benchRecords(b *testing.B, w *world, count, keys int) []*protocol.Record {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	last := slices.Clone(w.Genesis())
	records := make([]*protocol.Record, count)
	for i := range records {
		signer := rng.IntN(people)
		d := protocol.Draft{
			Type: protocol.TypeDatum, Owner: w.owner(signer), Timestamp: start + uint64(i), Value: fmt.Appendf(nil, "value %d", i),
			Names: []protocol.NamePoint{{Name: w.name("a"), Ordinal: rng.Uint64N(uint64(keys))}},
			Links: []protocol.ID{last[len(last)-1].ID(), last[len(last)-2].ID()},
		}
		records[i] = w.make(b, d, signer, paid)
		last = append(last[1:], records[i])
	}
	return records
}

// benchNode is a node whose ingest is measured: records are verified as they are when they come
// from peers, but for their work.
type benchNode struct {
	*testNode
	took, cpu time.Duration
}

func newBenchNode(b *testing.B, w *world) *benchNode {
	b.Helper()
	n := &benchNode{testNode: &testNode{world: w, path: filepath.Join(b.TempDir(), "lf.db"), policy: protocol.DefaultPolicy()}}
	n.start(b)
	b.Cleanup(n.stop)
	return n
}

// ingest takes records in batches.
func (n *benchNode) ingest(b *testing.B, records []*protocol.Record) {
	begin, used := time.Now(), usage.ProcessorTime(b)
	for batch := range slices.Chunk(records, 64) {
		for _, r := range batch {
			if err := n.CheckAuthorship(r); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := n.store.PutAll(b.Context(), batch, nil); err != nil {
			b.Fatal(err)
		}
	}
	n.took += time.Since(begin)
	for !n.isQuiet() { // watchers are told
		time.Sleep(10 * time.Millisecond)
	}
	n.cpu += usage.ProcessorTime(b) - used
}

// isQuiet reports whether the store was asked about all that has changed.
func (n *benchNode) isQuiet() bool {
	n.hub.mu.Lock()
	e := n.hub.engine
	n.hub.mu.Unlock()
	if e == nil {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.plan.urgent) == 0 && !slices.ContainsFunc(slices.Collect(maps.Values(e.plan.keys)), func(e *entry) bool { return e.asking })
}

// BenchmarkIngest takes the same records on two nodes in turns, of which one has 10,000 watchers of
// 10,000 keys. It reports how fast that node is in relation to the other, by the clock and by the
// processor time of all that the node does. In one part a record in ten is under a watched key, in
// the other all are.
func BenchmarkIngest(b *testing.B) {
	const watchers, portion = 10_000, 2_000
	for _, share := range []int{10, 1} {
		b.Run(fmt.Sprintf("one in %d watched", share), func(b *testing.B) {
			w := newWorld(b, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 })
			records := benchRecords(b, w, 5*portion, share*watchers)
			for b.Loop() {
				plain, watched := newBenchNode(b, w), newBenchNode(b, w)
				events := watchAll(b, watched.hub, w, watchers)
				for part := range slices.Chunk(records, portion) {
					plain.ingest(b, part)
					watched.ingest(b, part)
				}
				events.stop()
				b.ReportMetric(100*plain.took.Seconds()/watched.took.Seconds(), "%-of-unwatched")
				b.ReportMetric(100*plain.cpu.Seconds()/watched.cpu.Seconds(), "%-of-processor-time")
				b.ReportMetric(float64(plain.cpu.Microseconds())/float64(len(records)), "cpu-µs/unwatched-record")
				b.ReportMetric(float64(len(records))/watched.took.Seconds(), "records/s")
				b.ReportMetric(float64(events.count), "events")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watchers take events and count them.
type watchers struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	count int
}

// watchAll begins to watch a number of keys, one a stream.
func watchAll(b *testing.B, h *Hub, w *world, count int) *watchers {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	all := &watchers{cancel: cancel}
	var listed sync.WaitGroup
	for i := range count {
		one := &Watcher{
			Request: &api.WatchRequest{Keys: make([]api.WatchKey, 1)}, Options: Options{OwnOracles: true},
			Keys: []Key{{Where: []store.Range{w.where("a", uint64(i), uint64(i))}}}, Show: show,
		}
		listed.Add(1)
		all.done.Go(func() {
			_ = h.Watch(ctx, one, func(e *api.WatchEvent) bool {
				if e.Listed {
					listed.Done()
					return true
				}
				all.mu.Lock()
				defer all.mu.Unlock()
				all.count++
				return true
			})
		})
	}
	listed.Wait()
	return all
}

func (w *watchers) stop() {
	w.cancel()
	w.done.Wait()
}
