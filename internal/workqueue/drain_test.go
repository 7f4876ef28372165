package workqueue

import (
	"context"
	"errors"
	"testing"

	"github.com/lf-store/lf/pow"
)

// slowSearch finds its proof when it is let.
type slowSearch struct {
	begun, let chan struct{}
}

func (s *slowSearch) Attempt() (pow.Proof, bool) {
	close(s.begun)
	<-s.let
	return pow.Proof{}, true
}
func (s *slowSearch) Stop()                  {}
func (s *slowSearch) Progress() pow.Progress { return pow.Progress{} }

// TestDrain: what is being solved is finished, what waits is handed back at once, and nobody enters
// any more.
func TestDrain(t *testing.T) {
	for name, finish := range map[string]bool{"finished": true, "out of time": false} {
		t.Run(name, func(t *testing.T) {
			search := &slowSearch{begun: make(chan struct{}), let: make(chan struct{})}
			p := NewPool(Config{Threads: 1, Limits: Limits{Jobs: 9, ClientJobs: 9, Ahead: 1}, Search: func([]byte, uint32) (Search, error) { return search, nil }})
			solve := func() chan error {
				ticket, err := p.Enter(Client{Name: "a"}, 1)
				if err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() {
					_, err := ticket.Solve(context.Background(), nil, 1, nil)
					done <- err
				}()
				return done
			}
			first := solve()
			<-search.begun
			waits, err := p.Enter(Client{Name: "b"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			drained := make(chan struct{})
			go func() { p.Drain(ctx); close(drained) }()
			if err := waits.Turn(t.Context(), nil); !errors.Is(err, ErrClosed) {
				t.Errorf("what waited got %v", err)
			}
			if _, err := p.Enter(Client{Name: "a"}, 1); !errors.Is(err, ErrClosed) {
				t.Errorf("entered: %v", err)
			}
			var want error
			if !finish {
				cancel()
				want = ErrClosed
				if err := <-first; !errors.Is(err, want) {
					t.Errorf("out of time: %v", err)
				}
			}
			close(search.let)
			if finish {
				if err := <-first; err != nil {
					t.Errorf("what was being solved got %v", err)
				}
			}
			<-drained
			cancel()
			p.Drain(t.Context()) // again, of an empty pool
		})
	}
}
