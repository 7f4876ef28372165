package pow

import (
	"context"
	"runtime"
	"sync"
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
// In a build without cgo it returns [ErrUnavailable].
//
// When ctx ends, Solve returns its [context.Cause] within about a millisecond
// of processor time. Whatever it returns, its goroutines have ended.
//
// report may be nil. It is called on the goroutine of Solve, about every 100
// milliseconds and once more when a proof has been found.
func Solve(ctx context.Context, challenge []byte, effort uint32, threads int, report func(Progress), options ...Option) (Proof, error) {
	if err := checkSearch(challenge, effort); err != nil {
		return Proof{}, err
	}
	if ctx.Err() != nil {
		return Proof{}, context.Cause(ctx)
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	s := &solve{search: newSearch(challenge, effort), start: time.Now(), found: make(chan Proof, threads)}
	for _, option := range options {
		option(s)
	}
	defer s.end()
	for range threads {
		s.running.Go(s.work)
	}
	return s.wait(ctx, report)
}

// Option is something that [Solve] does differently.
type Option func(*solve)

// Background lets all other threads of the computer go first, also those of the
// process that verify. On Linux the threads of this search run at nice 10. Where
// they compete for a processor they get a tenth of a normal thread's time, and
// otherwise all of it. On other systems it does nothing.
func Background() Option {
	return func(s *solve) { s.background = true }
}

// solve is one call of Solve.
type solve struct {
	search     *Search
	start      time.Time
	background bool

	running sync.WaitGroup
	found   chan Proof // room for all threads: nobody waits to hand in
}

func (s *solve) end() {
	s.search.Stop()
	s.running.Wait()
}

func (s *solve) wait(ctx context.Context, report func(Progress)) (Proof, error) {
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

func (s *solve) progress() Progress {
	p := s.search.Progress()
	p.Elapsed = time.Since(s.start)
	return p
}

// work makes attempts until one succeeds or the search is stopped.
func (s *solve) work() {
	if s.background {
		YieldThread()
	}
	for !s.search.Stopped() {
		if proof, ok := s.search.Attempt(); ok {
			s.found <- proof
			return
		}
	}
}
