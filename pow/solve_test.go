//go:build cgo

package pow

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is far more than a stop takes, for slow and crowded machines.
const patience = time.Minute

const endless = 0xffffffff // an effort that takes years

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestSolve(t *testing.T) {
	for _, threads := range []int{-1, 0, 1, 3} {
		proof, err := Solve(t.Context(), fixtureChallenge, 5, threads, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(fixtureChallenge, 5, proof); err != nil {
			t.Errorf("%d threads: %v", threads, err)
		}
	}
}

func TestSolveStartsAtRandom(t *testing.T) {
	a, b := newSearch(nil, 1), newSearch(nil, 1)
	if a.nonce.Load() == b.nonce.Load() {
		t.Error("two searches start at the same nonce")
	}
}

func TestSolveCancelled(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var asked time.Time
	time.AfterFunc(150*time.Millisecond, func() {
		asked = time.Now()
		cancel(cause)
	})
	_, err := Solve(ctx, fixtureChallenge, endless, 3, nil)
	if took := time.Since(asked); took > patience {
		t.Errorf("stopped after %v", took)
	}
	if err != cause {
		t.Errorf("got %v, want %v", err, cause)
	}
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
}

func TestSolveDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Solve(ctx, fixtureChallenge, endless, 1, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestSolveAlreadyCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if _, err := Solve(ctx, fixtureChallenge, 1, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
}

// TestStopInsideAttempt sets the flag before an attempt, which then ends with
// its first look at it.
func TestStopInsideAttempt(t *testing.T) {
	var stop stopFlag
	var solution [SolutionSize]byte
	stop.set()
	tried, o := newSolver(chosen().mode).attempt(fixtureChallenge, 1, &stop, &solution)
	if o != stopped || tried != 0 {
		t.Errorf("got %v after %d solutions", o, tried)
	}
}

func TestSolveReports(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all []Progress
	start := time.Now()
	_, err := Solve(ctx, fixtureChallenge, endless, 2, func(p Progress) { all = append(all, p) })
	took := time.Since(start)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if most := int(took/reportInterval) + 1; len(all) == 0 || len(all) > most {
		t.Fatalf("%d reports in %v", len(all), took)
	}
	for i, p := range all[1:] {
		last := all[i]
		if p.Attempts < last.Attempts || p.Solutions < last.Solutions || p.Elapsed <= last.Elapsed {
			t.Errorf("%+v after %+v", p, last)
		}
	}
	if end := all[len(all)-1]; end.Attempts == 0 || end.Solutions == 0 {
		t.Errorf("nothing done: %+v", end)
	}
}

func TestSolveReportsTheEnd(t *testing.T) {
	var last Progress
	if _, err := Solve(t.Context(), fixtureChallenge, 1, 1, func(p Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if last.Attempts == 0 || last.Solutions == 0 || last.Elapsed == 0 {
		t.Errorf("got %+v", last)
	}
}

// TestAttemptMemory: a thread needs at most 2 MiB, code included, and an attempt allocates nothing.
func TestAttemptMemory(t *testing.T) {
	if solverSize > 2<<20 {
		t.Errorf("a thread needs %d bytes", solverSize)
	}
	s := newSolver(chosen().mode)
	var solution [SolutionSize]byte
	var stop stopFlag
	if n := testing.AllocsPerRun(3, func() { s.attempt(fixtureChallenge, endless, &stop, &solution) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
