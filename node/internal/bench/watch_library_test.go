package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
)

const (
	// watchers is how many watches are opened, openedAtOnce how many at a time.
	watchers, openedAtOnce = 1000, 16
	// watchLater is the ordinal from which on nothing of the data is filed.
	watchLater = 1 << 20
)

// watchedStore is a store whose watches are measured. watch calls came when a watch is open, and
// after each change, until ctx ends. put returns what sets a value under the watched key.
type watchedStore struct {
	name  string
	watch func(ctx context.Context, key string, came func())
	put   func() (key string, do func())
}

// BenchmarkWatchEtcd measures watches: those of package lf, which verifies what comes, and those of
// a single etcd in the same run.
func BenchmarkWatchEtcd(b *testing.B) {
	l := newLibrary(b)
	e := startEtcd(b)
	at := watchLater
	record := l.records(func() string { return fmt.Sprintf("%s#%d", nameOf(0), at) })
	stores := []watchedStore{
		{"lf", l.watch, func() (string, func()) { at++; return fmt.Sprintf("%s#%d", nameOf(0), at), record() }},
		{"etcd", e.watch, func() (string, func()) { at++; key := fmt.Sprint("key", at); return key, func() { e.put(key) } }},
	}
	for _, s := range stores {
		b.Run("notify/"+s.name, func(b *testing.B) { s.notify(b) })
	}
	for _, s := range stores {
		b.Run("open/"+s.name, func(b *testing.B) { s.open(b) })
	}
}

// watch takes the present event for the opening.
func (l *library) watch(ctx context.Context, key string, came func()) { watch(ctx, l.db, key, came) }

func watch(ctx context.Context, db *lf.Client, key string, came func()) {
	for e, err := range db.Watch(ctx, lf.MustKey(key)) {
		switch {
		case err != nil:
			return
		case e.Kind == lf.EventPresent || e.Kind == lf.EventAnswer:
			came()
		}
	}
}

// notify measures how long after the request began, and after its answer, the watcher knows.
func (s *watchedStore) notify(b *testing.B) {
	var total, after []time.Duration
	for b.Loop() {
		key, put := s.put()
		ctx, stop := context.WithCancel(b.Context())
		came, ended := make(chan time.Time, 16), make(chan struct{})
		go func() {
			defer close(ended)
			s.watch(ctx, key, func() { came <- time.Now() })
		}()
		<-came
		began := time.Now()
		put()
		done := time.Now()
		heard := <-came
		total, after = append(total, heard.Sub(began)), append(after, max(heard.Sub(done), 0))
		stop()
		<-ended
	}
	for name, took := range map[string][]time.Duration{"": total, "after-": after} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), name+"p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), name+"p99-µs")
	}
}

// open measures how many watches can be opened in a second.
func (s *watchedStore) open(b *testing.B) {
	for b.Loop() {
		began := time.Now()
		stop := openAll(b.Context(), s.watch)
		b.ReportMetric(watchers/time.Since(began).Seconds(), "watchers/s")
		b.StopTimer()
		stop()
		b.StartTimer()
	}
}

// openAll opens all watchers, and returns when all are open.
func openAll(ctx context.Context, watch func(ctx context.Context, key string, came func())) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all, opening sync.WaitGroup
	slots := make(chan struct{}, openedAtOnce)
	for i := range watchers {
		slots <- struct{}{}
		opening.Add(1)
		all.Go(func() {
			var once sync.Once
			watch(ctx, fmt.Sprintf("%s#%d", nameOf(0), watchLater/2+i), func() { once.Do(func() { <-slots; opening.Done() }) })
		})
	}
	opening.Wait()
	return func() { cancel(); all.Wait() }
}

// BenchmarkWatchMemory measures what an idle watcher of package lf takes, here and at the node,
// each with a connection of its own.
func BenchmarkWatchMemory(b *testing.B) {
	l := newLibrary(b)
	for b.Loop() {
		here, there := memoryInUse(), l.node.resident()
		stop := openAll(b.Context(), l.watch)
		b.ReportMetric((memoryInUse()-here)/watchers, "B/watcher")
		b.ReportMetric((l.node.resident()-there)/watchers, "node-B/watcher")
		stop()
	}
}

// BenchmarkWatchMemoryEmbedded is the same of a node inside the program: both parts of a watcher.
func BenchmarkWatchMemoryEmbedded(b *testing.B) {
	h, err := home.Open(copyHome(b, hardened[libraryRecords].make(b, libraryRecords).dir))
	if err != nil {
		b.Fatal(err)
	}
	n, _, err := h.Network()
	if err != nil {
		b.Fatal(err)
	}
	running, err := node.Start(b.Context(), node.Config{Home: h, Network: n, Profile: node.ProfileLocal, Offline: true, APIListen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer running.Close()
	db, err := running.Client()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		before := memoryInUse()
		stop := openAll(b.Context(), func(ctx context.Context, key string, came func()) { watch(ctx, db, key, came) })
		b.ReportMetric((memoryInUse()-before)/watchers, "B/watcher")
		stop()
	}
}

// memoryInUse is the memory of this process's heap and stacks, in bytes.
func memoryInUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
