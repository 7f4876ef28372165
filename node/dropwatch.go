package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

// What has been dropped for dropsLately or less is news; it is looked at every dropsEvery.
const (
	dropsLately = 10 * time.Minute
	dropsEvery  = time.Minute
)

// dropWatch remembers what the bounded queues had dropped a while ago: that something was dropped
// once, after the start perhaps, is nothing to worry about; that it goes on is.
type dropWatch struct {
	count  func(context.Context) map[string]uint64
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex
	past []map[string]uint64 // the last counts, the newest at the end
}

func newDropWatch(count func(context.Context) map[string]uint64) *dropWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &dropWatch{count: count, cancel: cancel}
	w.done.Go(func() { w.run(ctx) })
	return w
}

// Close ends the watching.
func (w *dropWatch) Close() error {
	w.cancel()
	w.done.Wait()
	return nil
}

func (w *dropWatch) run(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, dropsEvery)
		if counts := w.count(ctx); ctx.Err() == nil {
			w.note(counts)
		}
	}
}

func (w *dropWatch) note(counts map[string]uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.past) == int(dropsLately/dropsEvery) {
		w.past = slices.Delete(w.past, 0, 1)
	}
	w.past = append(w.past, counts)
}

// facts lists the queues that have dropped something, by name.
func (w *dropWatch) facts(ctx context.Context) []api.DropCount {
	now, list := w.count(ctx), []api.DropCount{}
	w.mu.Lock()
	defer w.mu.Unlock()
	var before map[string]uint64 // nothing, while the node is younger than that
	if len(w.past) == int(dropsLately/dropsEvery) {
		before = w.past[0]
	}
	for _, queue := range slices.Sorted(maps.Keys(now)) {
		if n := now[queue]; n > 0 {
			list = append(list, api.DropCount{Queue: queue, Count: n, Lately: n - min(before[queue], n)})
		}
	}
	return list
}
