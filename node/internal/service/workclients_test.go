package service

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
)

func limited(ctx context.Context, token string) context.Context {
	return caller.With(ctx, caller.Caller{Name: token, Stranger: true})
}

// TestTokensAreClientsOfTheirOwn: the holder of a limited token fills its own places in the work
// queue, and not those of others.
func TestTokensAreClientsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1))
	for i := range maxClientWrites {
		place, err := s.work.Enter(apiwriter.ClientOf(limited(t.Context(), "greedy")), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer place.Leave()
		if i < workqueue.ClientAhead { // called, and silent: that must hold up nobody
			if err := place.Turn(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := api.WorkRequest{Worked: make([]byte, 32), Effort: 1}
	_, err := s.Work(limited(t.Context(), "greedy"), r)
	wantAPIError(t, err, http.StatusServiceUnavailable, "this client's requests")
	for name, ctx := range map[string]context.Context{"another token": limited(t.Context(), "modest"), "the user": t.Context()} {
		if _, err := s.Work(ctx, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProgressOfWork: whoever waits for work learns how far it is, before its turn and in it.
func TestProgressOfWork(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 1<<24)
	s := newTestService(t, n)
	r := api.WorkRequest{Worked: make([]byte, 32), Effort: n.MaxEffort()}
	first, cancelFirst := context.WithCancel(t.Context())
	done := make(chan error, 2)
	work := func(ctx context.Context, want func(api.WorkProgress) bool, then func()) {
		_, err := s.Work(api.WithWorkProgress(ctx, func(p api.WorkProgress) {
			if want(p) {
				then()
			}
		}), r)
		done <- err
	}
	second, cancelSecond := context.WithCancel(t.Context())
	began := make(chan struct{})
	go work(first, func(p api.WorkProgress) bool {
		return p.Ahead == 0 && p.Attempts > 0 && p.Effort >= uint64(r.Effort) && p.WaitMS > 0
	}, func() {
		select {
		case <-began:
		default:
			close(began)
		}
	})
	<-began
	go work(second, func(p api.WorkProgress) bool { return p.Ahead == 1 && p.Effort == 2*uint64(r.Effort) }, func() {
		cancelFirst()
		cancelSecond()
	})
	for range cap(done) {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
