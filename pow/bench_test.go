package pow

import (
	"encoding/binary"
	"testing"
)

// BenchmarkVerify checks a valid proof, the most expensive kind.
func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := Verify(fixtureChallenge, fixtureEffort, fixture); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyBad checks the most expensive proof that costs its sender
// nothing: the effort is right by luck, the sums are not.
func BenchmarkVerifyBad(b *testing.B) {
	for b.Loop() {
		if err := Verify(fixtureChallenge, 1, fixture); err != ErrPartialSum {
			b.Fatal(err)
		}
	}
}

// BenchmarkProgram generates the programs of ever new seeds.
func BenchmarkProgram(b *testing.B) {
	h := new(hashX)
	var seed [8]byte
	for i := uint64(0); b.Loop(); i++ {
		binary.LittleEndian.PutUint64(seed[:], i)
		h.generate(seed[:])
	}
}

// BenchmarkAttempt solves ever new seeds on one thread.
func BenchmarkAttempt(b *testing.B) {
	mem := newSolver(vector)
	var solution [SolutionSize]byte
	var seed [8]byte
	total := 0
	for i := uint64(0); b.Loop(); i++ {
		binary.LittleEndian.PutUint64(seed[:], i)
		tried, _ := mem.attempt(seed[:], endless, nil, &solution)
		total += int(tried)
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "solutions/s")
	b.ReportMetric(solverSize, "B/thread")
}

// BenchmarkYardstick hashes a fixed buffer with the package's own BLAKE2b, so
// that figures of different machines can be compared as ratios to it.
func BenchmarkYardstick(b *testing.B) {
	buf := make([]byte, 64<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		blake2bSum(64, nil, buf)
	}
}
