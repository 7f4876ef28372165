//go:build !cgo

package pow

import "time"

// This file stands in for the C code in a build without cgo. The reference in Go
// verifies. Nothing solves: it would take many times as long.

const canSolve = false

func verify(seed []byte, effort uint32, solution *[SolutionSize]byte) error {
	return refVerify(seed, effort, solution)
}

func verifyBatch(items []Item, errs []error) {
	for i, it := range items {
		errs[i] = Verify(it.Challenge, it.Effort, it.Proof)
	}
}

// solver is never made: no search begins where canSolve is false.
type solver struct{}

type mode int

func attemptTime(mode, int) time.Duration { return 0 }

func chosen() choice { return choice{} }

func newSolver(mode) *solver { return new(solver) }

func (*solver) attempt([]byte, uint32, *stopFlag, *[SolutionSize]byte) (uint32, attemptResult) {
	return 0, stopped
}
