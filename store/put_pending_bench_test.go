package store

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/protocol"
)

// inventedLinks are links to records that nobody has.
func inventedLinks(n int) []protocol.ID {
	ids := make([]protocol.ID, n)
	for i := range ids {
		_, _ = rand.Read(ids[i][:])
	}
	slices.SortFunc(ids, protocol.ID.Compare)
	return ids
}

// BenchmarkPending puts records of 16 links, of which none is here or all are. It measures what one
// costs the writer and the disk in either case, and what the bound of the queue counts for it.
func BenchmarkPending(b *testing.B) {
	for _, missing := range []bool{true, false} {
		name := map[bool]string{true: "pending", false: "attached"}[missing]
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			dir := b.TempDir()
			s, err := Open(filepath.Join(dir, "lf.db"), w.Network, Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			parents := flightRecords(w, 16, 16)
			if _, err := s.PutAll(context.Background(), parents, nil); err != nil {
				b.Fatal(err)
			}
			var known []protocol.ID
			for _, r := range parents {
				known = append(known, r.ID())
			}
			slices.SortFunc(known, protocol.ID.Compare)
			records := make([]*protocol.Record, b.N)
			size := 0
			for i := range records {
				links := known
				if missing {
					links = inventedLinks(16)
				}
				records[i] = bare(uint64(1000+i), 0, links...)
				size += records[i].WireSize()
			}
			if _, err := s.writer.number("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				b.Fatal(err)
			}
			before := fileSize(b, dir)
			b.ResetTimer()
			began := usage.ProcessorTime(b)
			for portion := range slices.Chunk(records, 256) {
				if _, err := s.PutAll(context.Background(), portion, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((usage.ProcessorTime(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/record")
			b.ReportMetric(float64(size)/float64(b.N), "wire-B/record")
			if missing {
				n, err := readNumber(s, "SELECT pending_bytes FROM meta")
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n)/float64(min(b.N, defaultPendingRecords)), "counted-B/record")
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(fileSize(b, dir)-before)/float64(b.N), "disk-B/record")
		})
	}
}

func readNumber(s *Store, sql string) (n int64, err error) {
	err = s.read(context.Background(), func(c *conn) error {
		n, err = c.number(sql)
		return err
	})
	return n, err
}

func fileSize(b *testing.B, dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, "lf.db"))
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// BenchmarkWriteDuringCascade attaches 40,000 records that wait for one, and meanwhile writes: how
// long the slowest write took.
func BenchmarkWriteDuringCascade(b *testing.B) {
	const waiting = 40_000
	for range b.N {
		b.StopTimer()
		w := newWorld(b)
		s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{})
		if err != nil {
			b.Fatal(err)
		}
		root := w.make(spec{at: 1})
		genesis := []protocol.ID{w.Genesis()[0].ID(), root.ID()}
		slices.SortFunc(genesis, protocol.ID.Compare)
		records := make([]*protocol.Record, waiting)
		for i := range records {
			records[i] = bare(uint64(1000+i), 0, genesis...)
		}
		if _, err := s.PutAll(context.Background(), records, nil); err != nil {
			b.Fatal(err)
		}
		var own []*protocol.Record
		for i := range 500 {
			own = append(own, w.make(spec{at: 1, owner: i}))
		}
		b.StartTimer()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.Put(context.Background(), root, 0); err != nil {
				b.Error(err)
			}
		})
		worst, n := time.Duration(0), 0
		for _, r := range own {
			began := time.Now()
			if res, err := writeFirst(s, r); err != nil || res.Outcome != Attached {
				b.Fatal(res, err)
			}
			worst = max(worst, time.Since(began))
			n++
			if stats, err := s.Stats(context.Background()); err != nil || stats.Pending == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		all.Wait()
		b.StopTimer()
		b.ReportMetric(worst.Seconds()*1000, "worst-write-ms")
		b.ReportMetric(float64(n), "writes")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteDuringFlood writes while peers' records of 16 unknown links come in bulk: how long
// the slowest write took.
func BenchmarkWriteDuringFlood(b *testing.B) {
	for range b.N {
		b.StopTimer()
		w := newWorld(b)
		s, err := Open(filepath.Join(b.TempDir(), "lf.db"), w.Network, Options{})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for ctx.Err() == nil {
					flood := make([]*protocol.Record, 1024)
					for i := range flood {
						flood[i] = bare(uint64(1000+i), 0, inventedLinks(16)...)
					}
					_, _ = s.PutAll(ctx, flood, nil)
				}
			})
		}
		time.Sleep(time.Second)
		b.StartTimer()
		worst := time.Duration(0)
		for i := range 50 {
			began := time.Now()
			if res, err := writeFirst(s, w.make(spec{at: 1, owner: i})); err != nil || res.Outcome != Attached {
				b.Fatal(res, err)
			}
			worst = max(worst, time.Since(began))
		}
		b.StopTimer()
		stop()
		all.Wait()
		b.ReportMetric(worst.Seconds()*1000, "worst-write-ms")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func writeFirst(s *Store, r *protocol.Record) (Result, error) {
	return s.Submit(context.Background(), r, 0)
}

// fillPending makes the queue of pending records as full as it gets, with links that nobody has.
func fillPending(b *testing.B, s *Store, n int) {
	b.Helper()
	for from := range slices.Chunk(make([]struct{}, n), 1000) {
		records := make([]*protocol.Record, len(from))
		for i := range records {
			records[i] = bare(mathrand.Uint64N(1<<40)+1000, 0, inventedLinks(protocol.MaxLinks)...)
		}
		if _, err := s.PutAll(context.Background(), records, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPendingFull measures a full queue of records with 16 unknown links: a start with it, the
// memory it takes, and a record that displaces one.
func BenchmarkPendingFull(b *testing.B) {
	w := newWorld(b)
	path := filepath.Join(b.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	fillPending(b, s, 60_000)
	records := make([]*protocol.Record, 10_000)
	for i := range records {
		records[i] = bare(uint64(1000+i), 0, inventedLinks(protocol.MaxLinks)...)
	}
	b.Run("put", func(b *testing.B) {
		began := usage.ProcessorTime(b)
		for i := range b.N {
			if _, err := s.PutAll(context.Background(), records[i%len(records):i%len(records)+1], nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((usage.ProcessorTime(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/record")
	})
	stats, err := s.Stats(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var open []*Store
		for range b.N {
			s, err := Open(path, w.Network, Options{volatile: true})
			if err != nil {
				b.Fatal(err)
			}
			open = append(open, s)
			b.StopTimer()
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
			b.ReportMetric(float64(stats.Pending), "records")
			for _, s := range open {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			open = nil
			runtime.GC()
			b.StartTimer()
		}
	})
}
