package proxy

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// slowSearch is package pow's, on a machine where an attempt takes long.
type slowSearch struct {
	*pow.Search
	attempt time.Duration
}

func (s slowSearch) Attempt() (pow.Proof, bool) {
	time.Sleep(s.attempt)
	return s.Search.Attempt()
}

// slowSolver replaces the proxy's solver by one thread whose attempts take long.
func (w *writers) slowSolver(attempt time.Duration) {
	w.proxy.writes.pool.Close()
	w.proxy.writes.pool = workqueue.NewPool(workqueue.Config{
		Threads: 1, Limits: workqueue.Limits{Jobs: 1000, ClientJobs: 1000},
		Search: func(challenge []byte, effort uint32) (workqueue.Search, error) {
			s, err := pow.NewSearch(challenge, effort)
			return slowSearch{s, attempt}, err
		},
	})
	w.proxy.writes.worker = apiwriter.NewWorker(w.network, w.proxy.writes.pool, w.proxy.writes.proofs)
}

// phone is the proxy as the library on a phone sees it, which takes a turn before it composes.
type phone struct {
	*Service
	w *writers
}

func (p phone) Hooks() embedder.Hooks {
	return embedder.Hooks{Name: p.names.Derive, Turn: func(ctx context.Context, effort uint32) (embedder.Turn, error) {
		given, err := p.Work(ctx, api.WorkRequest{Effort: effort})
		if err != nil {
			return nil, err
		}
		return phoneTurn{p, given.Turn}, nil
	}}
}

type phoneTurn struct {
	phone
	id string
}

func (t phoneTurn) Solve(ctx context.Context, challenge []byte, effort uint32) (work protocol.Work, err error) {
	worked, _ := t.w.network.WorkedIn(challenge)
	result, err := t.Work(ctx, api.WorkRequest{Worked: worked[:], Effort: effort, Turn: t.id})
	if err != nil {
		return work, err
	}
	return result.Work()
}

func (phoneTurn) Leave() {}

// TestLongQueue: the queue is longer than the clock drift. In degrees (a) and (c) every record that
// comes out of it is attached, and none is late.
func TestLongQueue(t *testing.T) {
	const requests, attempt = 40, 10 * time.Second
	degrees := map[string]func(w *writers) func(ctx context.Context, key string) error{
		"plain": func(w *writers) func(ctx context.Context, key string) error {
			return func(ctx context.Context, key string) error {
				_, err := w.set(ctx, key, "x")
				return err
			}
		},
		"blind": func(w *writers) func(ctx context.Context, key string) error {
			h, err := home.Open(w.TempDir())
			if err != nil {
				w.Fatal(err)
			}
			owner, err := h.Owners().New("mine")
			if err != nil {
				w.Fatal(err)
			}
			client, err := lf.New(phone{w.proxy, w}, w.network, lf.InHome(h), lf.WithoutNames())
			if err != nil {
				w.Fatal(err)
			}
			return func(ctx context.Context, key string) error {
				_, err := client.Set(ctx, lf.MustKey(key), []byte("x"), lf.As(owner.Name))
				return err
			}
		},
	}
	for name, degree := range degrees {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWriters(t, 1)
				write := degree(w)
				w.slowSolver(attempt)
				came := 0
				var oldest uint64
				w.nodes[0].taken = func(r *protocol.Record) {
					came++
					oldest = max(oldest, clock()-r.Timestamp)
				}
				begun := time.Now()
				var all sync.WaitGroup
				for i := range requests {
					all.Go(func() {
						if err := write(w.phone(), fmt.Sprint("key", i)); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				drift := w.network.Params().ClockDrift
				if took := uint64(time.Since(begun).Milliseconds()); took < 3*drift || came != requests || oldest > drift {
					t.Errorf("%d records came in %d ms, the oldest %d ms after it was made; the drift is %d ms", came, took, oldest, drift)
				}
				t.Logf("%d requests in %s, the oldest record was made %d s before it came", requests, time.Since(begun), oldest/1000)
			})
		})
	}
}
