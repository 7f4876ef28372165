package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/protocol"
)

// benchRecords makes n records as a busy network would. Each links two of the eight before it, and
// has one selector and a value of 32 bytes. There are a thousand owners, and every hundredth record
// updates an older key. Made on all cores, a slice at a time.
func benchRecords(w *world, n int) []*protocol.Record { return flightRecords(w, n, 64) }

// flightRecords are such records with as many under way at a time as a slice has: those of one
// slice link to those before it.
func flightRecords(w *world, n, slice int) []*protocol.Record {
	const owners = 1000
	w.owner(owners)
	names := make([]string, 64)
	for i := range names {
		names[i] = fmt.Sprintf("name %d", i)
		w.name(names[i])
	}
	records := append(make([]*protocol.Record, 0, n+2), w.Genesis()...)
	for len(records) < n+2 {
		base := len(records)
		count := min(slice, n+2-base)
		records = records[:base+count]
		var wg sync.WaitGroup
		var next atomic.Int64
		for range 2 {
			wg.Go(func() {
				for {
					j := int(next.Add(1)) - 1
					if j >= count {
						return
					}
					i := base + j
					a, b := base-1-(j%min(base, slice)), base-1-((j+1)%min(base, slice))
					key := i
					if i%100 == 0 {
						key = i / 2
					}
					records[i] = w.make(spec{
						at: uint64(i), owner: i % owners, links: []*protocol.Record{records[a], records[b]},
						sels: []sel{{names[key%64], uint64(key / 64)}}, value: fmt.Sprintf("%032d", i),
					})
				}
			})
		}
		wg.Wait()
	}
	return records[2:]
}

// BenchmarkPutAll puts records as a backfill brings them: in portions, in the order of their
// timestamps. Eight were under way at a time when they were made.
func BenchmarkPutAll(b *testing.B) {
	w := newWorld(b)
	records := flightRecords(w, b.N, 8)
	path := filepath.Join(b.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	before := usage.ProcessorTime(b)
	for portion := range slices.Chunk(records, 1024) {
		if _, err := s.PutAll(context.Background(), portion, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((usage.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/record")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// putAll puts records from a number of goroutines at once.
func putAll(b testing.TB, s *Store, records []*protocol.Record, writers int) {
	var wg sync.WaitGroup
	next := make(chan *protocol.Record, 1024)
	for range writers {
		wg.Go(func() {
			for r := range next {
				if _, err := s.Put(context.Background(), r, 0); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, r := range records {
		next <- r
	}
	close(next)
	wg.Wait()
}

// benchStores are built once and shared by the benchmarks, with what is in them.
type benchStore struct {
	once    sync.Once
	world   *world
	dir     string
	records []*protocol.Record
	took    time.Duration
}

var benchStores = map[int]*benchStore{1_000: {}, 100_000: {}}

func (bs *benchStore) path() string { return filepath.Join(bs.dir, "lf.db") }

func (bs *benchStore) build(b *testing.B, n int) {
	bs.once.Do(func() {
		bs.world = newWorld(b)
		var err error
		if bs.dir, err = os.MkdirTemp("", "lf-bench"); err != nil { //nolint:usetesting // it outlives this benchmark
			b.Fatal(err)
		}
		bs.records = benchRecords(bs.world, n)
		s, err := Open(bs.path(), bs.world.Network, Options{})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		putAll(b, s, bs.records, 256)
		bs.took = time.Since(began)
		if stats, err := s.Stats(context.Background()); err != nil || stats.Attached != uint64(n+2) {
			b.Fatalf("%+v, %v", stats, err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

func (bs *benchStore) open(b *testing.B, n int) *Store {
	bs.build(b, n)
	s, err := Open(bs.path(), bs.world.Network, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func sizes(b *testing.B, do func(b *testing.B, bs *benchStore, n int)) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) { do(b, benchStores[n], n) })
	}
}

// BenchmarkPut puts records from 256 goroutines and reports what a record takes on disk.
func BenchmarkPut(b *testing.B) {
	w := newWorld(b)
	records := benchRecords(w, b.N)
	wire := 0
	for _, r := range records {
		wire += r.WireSize()
	}
	path := filepath.Join(b.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := usage.ProcessorTime(b)
	putAll(b, s, records, 256)
	b.ReportMetric(float64((usage.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/record")
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "disk-B/record")
	b.ReportMetric(float64(wire)/float64(b.N), "wire-B/record")
}

// BenchmarkPutOne puts one record after the other: what a commit costs on this disk.
func BenchmarkPutOne(b *testing.B) {
	w := newWorld(b)
	records := benchRecords(w, b.N)
	s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	putAll(b, s, records, 1)
	b.StopTimer()
	s.Close()
}

func BenchmarkQuerySingle(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		s := bs.open(b, n)
		i := 0
		run := func() {
			i = (i + 7919) % n
			p := bs.records[i].Selectors[0]
			a, err := s.Query(context.Background(), Query{Where: []Range{{p.Key, p.Ordinal, p.Ordinal}}})
			if err != nil || len(a.Keys) != 1 {
				b.Fatalf("%+v, %v", a, err)
			}
		}
		for range min(n, 20_000) {
			run()
		}
		b.ReportAllocs()
		before := usage.ProcessorTime(b)
		for b.Loop() {
			run()
		}
		b.ReportMetric(float64((usage.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/query")
	})
}

// BenchmarkQueryRange asks for ten keys each time.
func BenchmarkQueryRange(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		s := bs.open(b, n)
		i := 0
		run := func() {
			i = (i + 7919) % (n - 10*64)
			p := bs.records[i].Selectors[0]
			a, err := s.Query(context.Background(), Query{Where: []Range{{p.Key, p.Ordinal, protocol.MaxOrdinal}}, Limit: 10})
			if err != nil || len(a.Keys) < 9 {
				b.Fatalf("%d keys, %v", len(a.Keys), err)
			}
		}
		for range min(n, 5_000) {
			run()
		}
		b.ReportAllocs()
		before := usage.ProcessorTime(b)
		for b.Loop() {
			run()
		}
		b.ReportMetric(float64((usage.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/query")
	})
}

// BenchmarkScan reads all that a store holds, as a node does once when it starts.
func BenchmarkScan(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		s := bs.open(b, n)
		b.ReportAllocs()
		for b.Loop() {
			if items := scanned(b, s); len(items) != n+2 {
				b.Fatalf("%d items", len(items))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
	})
	b.Run("records=1000000", func(b *testing.B) { // without values and selectors
		path, network := graphStore(b, 1_000_000, 8)
		s, err := Open(path, network, Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		for b.Loop() {
			scanned(b, s)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/record")
	})
}

func BenchmarkGet(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		s := bs.open(b, n)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i = (i + 7919) % n
			if _, _, err := s.Get(context.Background(), bs.records[i].ID()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		bs.build(b, n)
		for b.Loop() {
			s, err := Open(bs.path(), bs.world.Network, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// graphStore makes a store of n records that are little but graph, with width of them under way at
// a time.
func graphStore(b testing.TB, n, width int) (path string, network *protocol.Network) {
	w := newWorld(b)
	path = filepath.Join(b.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	last := []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()}
	rng := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < n; {
		if err := s.change(context.Background(), func(t *tx) error {
			for range min(10_000, n-done) {
				i := rng.IntN(len(last))
				j := (i + 1 + rng.IntN(len(last)-1)) % len(last)
				done++
				r := bare(uint64(done), 1000, last[i], last[j])
				if _, err := t.attach(newEntry(r)); err != nil {
					return err
				}
				if last = append(last, r.ID()); len(last) > width {
					last = last[1:]
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return path, w.Network
}

// BenchmarkOpenGraph opens stores with eight records under way at a time: nearly all of it is
// loading the graph.
func BenchmarkOpenGraph(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) {
			path, network := graphStore(b, n, 8)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			b.ResetTimer()
			for range b.N {
				s, err := Open(path, network, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(n), "heap-B/record")
				b.ReportMetric(float64(s.dag.Bytes())/float64(n), "graph-B/record")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	sizes(b, func(b *testing.B, bs *benchStore, n int) {
		s := bs.open(b, n)
		for b.Loop() {
			if _, err := s.Check(context.Background(), func(p string) { b.Error(p) }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify compares a typical record with its ID; decoding it, which every reader does
// anyway, is measured beside it.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	r := benchRecords(w, 1)[0]
	id := r.ID()
	s := stored{id[:], r.HeaderBytes(), r.ValueBytes()}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := protocol.DecodeRecord(s.header, s.value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode-and-verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := verify(s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScrub has the scrub go through records, with all that it compares of each.
func BenchmarkScrub(b *testing.B) {
	w := newWorld(b)
	s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	mustPutAll(b, s, benchRecords(w, 5000), nil)
	at, rows := scrubbed{}, 0
	for b.Loop() {
		next, err := s.scrubStep(b.Context(), at, scrubChunk)
		if err != nil {
			b.Fatal(err)
		}
		at, rows = next, rows+scrubChunk
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(rows), "µs/row")
}

// BenchmarkFrame reads a typical record, packed and as it travels.
func BenchmarkFrame(b *testing.B) {
	w := newWorld(b)
	s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	mustPutAll(b, s, benchRecords(w, 5000), nil)
	for _, form := range []string{"packed", "plain"} {
		if form == "plain" {
			if err := s.change(b.Context(), (*tx).unpackAll); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			if err := s.read(b.Context(), func(c *conn) error {
				before, n := usage.ProcessorTime(b), int64(0)
				for b.Loop() {
					n++
					if _, err := c.frame(n*7919%5000 + 1); err != nil {
						return err
					}
				}
				b.ReportMetric(float64((usage.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/record")
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
