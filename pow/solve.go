package pow

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// reportInterval is the time between two reports of progress.
const reportInterval = 100 * time.Millisecond

// Progress tells how far a running [Solve] is.
type Progress struct {
	Attempts  uint64        // seeds solved so far, each with two solutions on average
	Solutions uint64        // Equi-X solutions held against the effort so far
	Elapsed   time.Duration // since Solve was called
}

// Solve searches for a proof of challenge at effort, which is at least 1. It uses
// this many threads, or [runtime.GOMAXPROCS] if threads is not positive. It tries
// about effort solutions, at two an attempt; the number varies as much as the
// waiting time for a rare event does.
//
// Threads share nothing but a stop flag. Each holds 1.6 MiB, which later calls use
// again and the garbage collector may take back in between. Each runs in C, so
// other goroutines keep their share of the processors.
//
// When ctx ends, Solve returns its [context.Cause] within about a millisecond
// of processor time. Whatever it returns, its goroutines have ended.
//
// report may be nil. It is called on the goroutine of Solve, about every 100
// milliseconds and once more when a proof has been found.
func Solve(ctx context.Context, challenge []byte, effort uint32, threads int, report func(Progress), options ...Option) (Proof, error) {
	if err := checkPuzzle(challenge, effort); err != nil {
		return Proof{}, err
	}
	if ctx.Err() != nil {
		return Proof{}, context.Cause(ctx)
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	s := newSearch(challenge, effort, threads)
	for _, option := range options {
		option(s)
	}
	defer s.end()
	for i := range threads {
		s.running.Go(func() { s.work(uint64(i)) })
	}
	return s.wait(ctx, report)
}

// Option is something that [Solve] does differently.
type Option func(*search)

// Background lets all other threads of the computer go first, also those of the
// process that verify. On Linux the threads of this search run at nice 10. Where
// they compete for a processor they get a tenth of a normal thread's time, and
// otherwise all of it. On other systems it does nothing.
func Background() Option {
	return func(s *search) { s.background = true }
}

// search is one call of Solve.
type search struct {
	challenge []byte
	effort    uint32
	threads   uint64
	first     uint64 // nonce; thread i takes first+i and every threads-th from there
	start     time.Time

	background bool

	running sync.WaitGroup
	stop    *stopFlag
	found   chan Proof

	attempts, solutions atomic.Uint64
}

// newSearch draws a random first nonce: solvers of one challenge, a restarted
// one among them, then do not repeat each other's attempts.
func newSearch(challenge []byte, effort uint32, threads int) *search {
	var first [NonceSize]byte
	rand.Read(first[:]) // never fails
	return &search{
		challenge: challenge,
		effort:    effort,
		threads:   uint64(threads),
		first:     binary.LittleEndian.Uint64(first[:]),
		start:     time.Now(),
		stop:      new(stopFlag),
		found:     make(chan Proof, threads), // room for all: nobody waits to hand in
	}
}

func (s *search) end() {
	s.stop.set()
	s.running.Wait()
}

func (s *search) wait(ctx context.Context, report func(Progress)) (Proof, error) {
	var tick <-chan time.Time
	if report == nil {
		report = func(Progress) {}
	} else {
		t := time.NewTicker(reportInterval)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return Proof{}, context.Cause(ctx)
		case proof := <-s.found:
			s.end()
			report(s.progress())
			return proof, nil
		case <-tick:
			report(s.progress())
		}
	}
}

func (s *search) progress() Progress {
	return Progress{
		Attempts:  s.attempts.Load(),
		Solutions: s.solutions.Load(),
		Elapsed:   time.Since(s.start),
	}
}

// work makes attempts until one succeeds or the search ends.
func (s *search) work(thread uint64) {
	if s.background {
		yieldThread()
	}
	mem := solvers.Get().(*solver)
	defer solvers.Put(mem)

	var proof Proof
	seed := make([]byte, 0, maxSeedSize)
	for nonce := s.first + thread; ; nonce += s.threads {
		binary.LittleEndian.PutUint64(proof.Nonce[:], nonce)
		seed = appendSeed(seed[:0], s.challenge, proof.Nonce, s.effort)
		tried, result := mem.attempt(seed, s.effort, s.stop, &proof.Solution)
		if result == stopped {
			return
		}
		s.attempts.Add(1)
		s.solutions.Add(uint64(tried))
		if result == found {
			s.found <- proof
			return
		}
	}
}
