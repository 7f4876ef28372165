//go:build cgo && unix

package pow

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"
)

// Times differ between machines, and on a busy one from moment to moment. So each
// benchmark also gives the processor time of an operation in its best millisecond.
// ×yardstick compares that with hashing 64 KiB with this package's BLAKE2b, best
// against best in the same run.

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var yardstickBuffer [64 << 10]byte

// slice is how long operations are timed together.
const slice = time.Millisecond

// best calls op n times and returns the least processor time that one took, on
// average over a slice.
func best(n int, op func(i uint64)) time.Duration {
	least, count := time.Hour, 1
	for i := 0; i < n; {
		end := i + count
		start := cpuTime()
		for ; i < end && i < n; i++ {
			op(uint64(i))
		}
		switch spent := cpuTime() - start; {
		case i < end:
		case spent < slice:
			count *= 2
		default:
			least = min(least, spent/time.Duration(count))
		}
	}
	return least
}

func yardstick() time.Duration {
	return best(600, func(uint64) { blake2bSum(64, nil, yardstickBuffer[:]) })
}

// measure runs op, which counts as units, and adds to what testing reports.
func measure(b *testing.B, units int, op func(i uint64)) {
	b.Helper()
	before := yardstick()
	b.ReportAllocs()
	b.ResetTimer()
	least := float64(best(b.N, op)) / float64(units)
	b.StopTimer()
	b.ReportMetric(least, "best-cpu-ns")
	b.ReportMetric(least/float64(min(before, yardstick())), "×yardstick")
}

func seedOf(i uint64) []byte { return binary.LittleEndian.AppendUint64(nil, i) }

// BenchmarkVerify checks a valid proof, the most expensive kind.
func BenchmarkVerify(b *testing.B) {
	measure(b, 1, func(uint64) {
		if err := Verify(fixtureChallenge, fixtureEffort, fixture); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkVerifyBatch checks 64 proofs, each for its own challenge: right by
// luck in effort, so that the program is made and run. Figures are for one.
func BenchmarkVerifyBatch(b *testing.B) {
	items := make([]Item, 64)
	measure(b, len(items), func(i uint64) {
		for k := range items {
			items[k] = Item{seedOf(i<<8 | uint64(k)), 1, fixture}
		}
		for _, err := range VerifyBatch(items) {
			if err != ErrPartialSum && err != ErrProgram {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerifyEffort checks a proof that is not worth its effort: what it
// costs to be sent nonsense.
func BenchmarkVerifyEffort(b *testing.B) {
	measure(b, 1, func(uint64) {
		if err := Verify(fixtureChallenge, 1<<31, fixture); err != ErrEffort {
			b.Fatal(err)
		}
	})
}

// BenchmarkProgram generates the programs of ever new seeds.
func BenchmarkProgram(b *testing.B) {
	h := new(hashX)
	var seed [8]byte
	measure(b, 1, func(i uint64) {
		binary.LittleEndian.PutUint64(seed[:], i)
		h.generate(seed[:])
	})
}

func eachMode(b *testing.B, f func(b *testing.B, s *solver)) {
	for _, w := range offered() {
		b.Run(w.named, func(b *testing.B) { f(b, newSolver(w.is)) })
	}
}

// BenchmarkHashes computes the 65536 hashes of an attempt, nothing else.
func BenchmarkHashes(b *testing.B) {
	eachMode(b, func(b *testing.B, s *solver) {
		var out [lanes]uint64
		measure(b, 1, func(i uint64) {
			if i%8 == 0 {
				s.prepare(seedOf(i))
			}
			for first := uint64(0); first < 1<<16; first += lanes {
				s.hashMany(first, &out)
			}
		})
	})
}

// BenchmarkAttempt solves ever new seeds on one thread.
func BenchmarkAttempt(b *testing.B) {
	eachMode(b, func(b *testing.B, s *solver) {
		var solution [SolutionSize]byte
		var seed [8]byte
		total := 0
		start := cpuTime()
		measure(b, 1, func(i uint64) {
			binary.LittleEndian.PutUint64(seed[:], i)
			tried, _ := s.attempt(seed[:], endless, nil, &solution)
			total += int(tried)
		})
		b.ReportMetric(float64(total)/(cpuTime()-start).Seconds(), "solutions/cpu-s")
		b.ReportMetric(solverSize, "B/thread")
	})
}

// BenchmarkYardstick is what the others are compared with.
func BenchmarkYardstick(b *testing.B) {
	b.SetBytes(int64(len(yardstickBuffer)))
	measure(b, 1, func(uint64) { blake2bSum(64, nil, yardstickBuffer[:]) })
}
