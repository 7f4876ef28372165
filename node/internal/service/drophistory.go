package service

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

// What has been dropped for dropsLately or less is news; it is looked at every dropsEvery.
const (
	dropsLately = 10 * time.Minute
	dropsEvery  = time.Minute
)

// dropHistory remembers what the bounded queues had dropped a while ago. Drops of long ago, perhaps
// after the start, are nothing to worry about. Drops that go on are.
type dropHistory struct {
	count func(context.Context) map[string]uint64

	mu   sync.Mutex
	past []map[string]uint64 // the last counts, the newest at the end
}

func newDropHistory(count func(context.Context) map[string]uint64) *dropHistory {
	return &dropHistory{count: count}
}

func (w *dropHistory) run(ctx context.Context) error {
	for supervisor.Sleep(ctx, dropsEvery) == nil {
		if counts := w.count(ctx); ctx.Err() == nil {
			w.note(counts)
		}
	}
	return ctx.Err()
}

func (w *dropHistory) note(counts map[string]uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.past) == int(dropsLately/dropsEvery) {
		w.past = slices.Delete(w.past, 0, 1)
	}
	w.past = append(w.past, counts)
}

// facts lists the queues that have dropped something, by name.
func (w *dropHistory) facts(ctx context.Context) []api.DropCount {
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
