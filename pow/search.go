package pow

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// Search looks for one proof, one attempt at a time. Its caller shares out threads: it can put a
// search aside between two attempts at no loss, since a search remembers nothing of the attempts
// that failed. [Solve] is for callers that have just one. All methods may be called concurrently.
type Search struct {
	challenge []byte
	effort    uint32
	nonce     atomic.Uint64 // of the last attempt
	stop      stopFlag

	attempts, solutions atomic.Uint64
}

// NewSearch returns a search for a proof of challenge at effort, which is at least 1. It keeps no
// reference to challenge and starts nothing. It returns [ErrZeroEffort] or [ErrLongChallenge] if no
// proof can be right, and [ErrUnavailable] in a build without cgo.
func NewSearch(challenge []byte, effort uint32) (*Search, error) {
	if err := checkSearch(challenge, effort); err != nil {
		return nil, err
	}
	return newSearch(challenge, effort), nil
}

// newSearch draws a random first nonce: solvers of one challenge, a restarted one among them, then
// do not repeat each other's attempts.
func newSearch(challenge []byte, effort uint32) *Search {
	var first [NonceSize]byte
	rand.Read(first[:]) // never fails
	s := &Search{challenge: append([]byte(nil), challenge...), effort: effort}
	s.nonce.Store(binary.LittleEndian.Uint64(first[:]))
	return s
}

// Attempt tries the next seed on the calling thread, which takes some milliseconds of processor
// time. It returns false if the seed has no proof, as one in effort / 2 has, or if the search is
// stopped meanwhile. A thread's memory (1.6 MiB) is used again by later attempts.
func (s *Search) Attempt() (Proof, bool) {
	mem := solvers.Get().(*solver)
	defer solvers.Put(mem)

	var proof Proof
	var buf [maxSeedSize]byte
	binary.LittleEndian.PutUint64(proof.Nonce[:], s.nonce.Add(1))
	seed := appendSeed(buf[:0], s.challenge, proof.Nonce, s.effort)
	tried, result := mem.attempt(seed, s.effort, &s.stop, &proof.Solution)
	if result == stopped {
		return Proof{}, false
	}
	s.attempts.Add(1)
	s.solutions.Add(uint64(tried))
	return proof, result == found
}

// stopFlag is set by Go and read by C while it computes.
type stopFlag uint32

func (f *stopFlag) set()        { atomic.StoreUint32((*uint32)(f), 1) }
func (f *stopFlag) isSet() bool { return atomic.LoadUint32((*uint32)(f)) != 0 }

type attemptResult int

const (
	notFound attemptResult = iota
	found
	stopped
)

// solvers keeps the memory of past searches for the next one, until the
// garbage collector wants it.
var solvers = sync.Pool{New: func() any { return newSolver(chosen().mode) }}

// Stop ends the attempts that are under way, each within about a millisecond of processor time, and
// all later ones at once.
func (s *Search) Stop() { s.stop.set() }

// Stopped reports whether [Search.Stop] was called.
func (s *Search) Stopped() bool { return s.stop.isSet() }

// Progress tells how many attempts are done. Elapsed stays zero: the caller knows when it made its
// attempts.
func (s *Search) Progress() Progress {
	return Progress{Attempts: s.attempts.Load(), Solutions: s.solutions.Load()}
}
