package workqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/pow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSearch takes ten milliseconds an attempt and finds its proof after effort / 2 of them.
type fakeSearch struct {
	challenge []byte
	effort    uint32
	attempts  atomic.Uint64
	stopped   context.Context
	stop      context.CancelFunc
}

func newFakeSearch(challenge []byte, effort uint32) (Search, error) {
	if effort == 0 {
		return nil, pow.ErrZeroEffort
	}
	s := &fakeSearch{challenge: challenge, effort: effort}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s, nil
}

func (s *fakeSearch) Attempt() (p pow.Proof, found bool) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-s.stopped.Done():
		return p, false
	}
	copy(p.Solution[:], s.challenge)
	return p, s.attempts.Add(1) >= uint64(s.effort/2)
}

func (s *fakeSearch) Stop()                  { s.stop() }
func (s *fakeSearch) Progress() pow.Progress { return pow.Progress{Attempts: s.attempts.Load()} }

func fakePool(threads int) *Pool {
	return NewPool(Config{Threads: threads, Limits: Limits{Jobs: 1000, ClientJobs: 1000, Ahead: threads}, Search: newFakeSearch})
}

// solve enters, waits for its turn, and solves.
func solve(ctx context.Context, p *Pool, client, challenge string, effort uint32) (pow.Proof, error) {
	t, err := p.Enter(Client{Name: client}, effort)
	if err != nil {
		return pow.Proof{}, err
	}
	defer t.Leave()
	if err := t.Turn(ctx, nil); err != nil {
		return pow.Proof{}, err
	}
	return t.Solve(ctx, []byte(challenge), effort, nil)
}

func TestPool(t *testing.T) {
	for _, threads := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			p := fakePool(threads)
			begun := time.Now()
			var all sync.WaitGroup
			for i := range 100 {
				all.Go(func() {
					challenge := fmt.Sprintf("challenge %06d", i)
					proof, err := solve(t.Context(), p, fmt.Sprint(i%7), challenge, 40)
					if err != nil || string(proof.Solution[:]) != challenge {
						t.Errorf("%q: %q, %v", challenge, proof.Solution, err)
					}
				})
			}
			all.Wait()
			// 100 jobs of 20 attempts of 10 ms
			if took, want := time.Since(begun), 20*time.Second/time.Duration(threads); took < want || took > want*105/100 {
				t.Errorf("%d threads took %v, want %v", threads, took, want)
			}
			p.Close()
		})
	}
}

// TestPoolNewcomer holds that a client waits for one attempt of another, and for its own job.
func TestPoolNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakePool(2)
		ctx, cancel := context.WithCancel(t.Context())
		var greedy sync.WaitGroup
		for i := range 500 {
			greedy.Go(func() { _, _ = solve(ctx, p, "greedy", fmt.Sprint(i), 1000) })
		}
		time.Sleep(time.Minute)
		begun := time.Now()
		if _, err := solve(t.Context(), p, "newcomer", "n", 100); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 520*time.Millisecond {
			t.Errorf("50 attempts of 10 ms took %v", took)
		}
		cancel()
		greedy.Wait()
		if p.Len() != 0 {
			t.Errorf("%d jobs after their clients left", p.Len())
		}
		p.Close()
	})
}

// TestPoolProgress holds that what a client is told comes true.
func TestPoolProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakePool(1)
		// so that the rate is known
		if _, err := solve(t.Context(), p, "first", "f", 100); err != nil {
			t.Fatal(err)
		}
		var others sync.WaitGroup
		for i := range 3 {
			others.Go(func() { _, _ = solve(t.Context(), p, fmt.Sprint("other", i), "o", 400) })
		}
		synctest.Wait()
		ticket, err := p.Enter(Client{Name: "last"}, 400)
		if err != nil {
			t.Fatal(err)
		}
		defer ticket.Leave()
		told, begun := ticket.Progress(), time.Now()
		if told.Effort != 1600 || told.Jobs != 0 {
			t.Errorf("%+v", told)
		}
		var reports, attempts uint64
		_, err = ticket.Solve(t.Context(), []byte("l"), 400, func(p Progress) { reports++; attempts = p.Attempts })
		if took := time.Since(begun); err != nil || took < told.Wait*9/10 || took > told.Wait*11/10 {
			t.Errorf("told %v, took %v, %v", told.Wait, took, err)
		}
		if reports < 50 || attempts < 190 {
			t.Errorf("%d reports, the last one after %d attempts", reports, attempts)
		}
		others.Wait()
		p.Close()
	})
}

func TestPoolClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakePool(2)
		var clients sync.WaitGroup
		for i := range 10 {
			clients.Go(func() {
				if _, err := solve(t.Context(), p, fmt.Sprint(i), "x", 1<<30); err != ErrClosed {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		p.Close()
		clients.Wait()
		if _, err := p.Enter(Client{}, 1); err != ErrClosed {
			t.Error(err)
		}
		p.Close()
	})
}

func TestPoolFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakePool(1)
		defer p.Close()
		ticket, err := p.Enter(Client{Name: "c", EffortPerHour: 100}, 50)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ticket.Solve(t.Context(), nil, 0, nil); err != pow.ErrZeroEffort {
			t.Error(err)
		}
		var budget *BudgetError
		if _, err := ticket.Solve(t.Context(), nil, 101, nil); !errors.As(err, &budget) {
			t.Error(err)
		}
		ticket.Leave()
		ticket.Leave()
		cause := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if ticket, err = p.Enter(Client{Name: "c", EffortPerHour: 100}, 100); err != nil {
			t.Fatal(err) // all of the budget was given back
		}
		defer ticket.Leave()
		if err := ticket.Turn(ctx, nil); err != nil && err != cause {
			t.Error(err)
		}
		if _, err := ticket.Solve(ctx, nil, 100, nil); err != cause {
			t.Error(err)
		}
	})
}

// TestPoolSolves runs the real search.
func TestPoolSolves(t *testing.T) {
	p := NewPool(Config{Threads: 2, Limits: Limits{Jobs: 100, ClientJobs: 100, Ahead: 2}})
	defer p.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			challenge := fmt.Sprint("workqueue ", i)
			proof, err := solve(t.Context(), p, fmt.Sprint(i%3), challenge, 3)
			if err == nil {
				err = pow.Verify([]byte(challenge), 3, proof)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
