package pow

import (
	"encoding/binary"
	"errors"
)

const (
	// NonceSize is the length of a nonce in bytes.
	NonceSize = 8
	// SolutionSize is the length of a solution in bytes.
	SolutionSize = 16
	// MaxChallenge is the length of the longest challenge in bytes.
	MaxChallenge = 256

	effortSize  = 4
	maxSeedSize = MaxChallenge + NonceSize + effortSize
)

// Proof is what a solver finds and a verifier checks.
type Proof struct {
	Nonce    [NonceSize]byte
	Solution [SolutionSize]byte
}

// The ways in which a proof can be wrong, in the order in which they are
// looked for.
var (
	ErrEffort     = errors.New("pow: the solution is not worth the effort that it states")
	ErrOrder      = errors.New("pow: the indices of the solution are out of order")
	ErrProgram    = errors.New("pow: the seed has no program")
	ErrPartialSum = errors.New("pow: a partial sum of the solution is not zero")
	ErrFinalSum   = errors.New("pow: the final sum of the solution is not zero")
)

// ErrUnavailable is what [Solve] and [NewSearch] return in a build without cgo.
var ErrUnavailable = errors.New("pow: this program was built without cgo and cannot do proof of work: have a node do it")

// The ways in which a puzzle can be wrong, whatever the proof.
var (
	ErrZeroEffort    = errors.New("pow: the effort is zero")
	ErrLongChallenge = errors.New("pow: the challenge is longer than 256 bytes")
)

// Verify returns nil if proof was found for challenge at effort. Otherwise it
// returns the first of [ErrEffort], [ErrOrder], [ErrProgram], [ErrPartialSum] and
// [ErrFinalSum] that holds. It returns [ErrZeroEffort] or [ErrLongChallenge] if no
// proof can be right.
//
// It takes some tens of microseconds, or about one if the effort or the order is
// wrong. It uses a few KiB of stack and allocates nothing. A build without cgo takes
// ten to thirty times as long and allocates about 30 KiB.
func Verify(challenge []byte, effort uint32, proof Proof) error {
	if err := checkPuzzle(challenge, effort); err != nil {
		return err
	}
	var buf [maxSeedSize]byte
	return verify(appendSeed(buf[:0], challenge, proof.Nonce, effort), effort, &proof.Solution)
}

// Item is one proof among several that [VerifyBatch] checks.
type Item struct {
	Challenge []byte
	Effort    uint32
	Proof     Proof
}

// VerifyBatch returns what [Verify] would of each item, in their order. Crossing
// to C once for 64 of them, and not each time, is all that it saves.
func VerifyBatch(items []Item) []error {
	errs := make([]error, len(items))
	verifyBatch(items, errs)
	return errs
}

// checkSearch returns an error if no search can find a proof.
func checkSearch(challenge []byte, effort uint32) error {
	if err := checkPuzzle(challenge, effort); err != nil {
		return err
	}
	if !canSolve {
		return ErrUnavailable
	}
	return nil
}

func checkPuzzle(challenge []byte, effort uint32) error {
	switch {
	case effort == 0:
		return ErrZeroEffort
	case len(challenge) > MaxChallenge:
		return ErrLongChallenge
	}
	return nil
}

// appendSeed appends challenge ‖ nonce ‖ effort. Nonce and effort have fixed
// lengths and stand last, so that different puzzles never share a seed.
func appendSeed(b, challenge []byte, nonce [NonceSize]byte, effort uint32) []byte {
	b = append(b, challenge...)
	b = append(b, nonce[:]...)
	return binary.BigEndian.AppendUint32(b, effort)
}
