package apiwriter

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// luckySearch finds its proof at once.
type luckySearch struct{ found *int }

func (s luckySearch) Attempt() (pow.Proof, bool) {
	*s.found++
	return pow.Proof{}, true
}
func (luckySearch) Stop()                  {}
func (luckySearch) Progress() pow.Progress { return pow.Progress{} }

// trusting takes any proof: those of a luckySearch are none.
func trusting([]byte, protocol.Work) error { return nil }

// TestTurns: a client waits first, composes then, and comes with the hash. A turn is for the client
// that was given it, once, and for a while.
func TestTurns(t *testing.T) {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "turns", 1
	n, err := protocol.NewNetwork(p, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		found := 0
		pool := workqueue.NewPool(workqueue.Config{
			Threads: 1, Limits: workqueue.Limits{Jobs: 9, ClientJobs: 9, Ahead: 9},
			Search: func([]byte, uint32) (workqueue.Search, error) { return luckySearch{&found}, nil },
		})
		defer pool.Close()
		w := NewWorker(n, pool, NewProofs(n, trusting, slog.New(slog.DiscardHandler)))
		a, b := workqueue.Client{Name: "a", EffortPerHour: 3}, workqueue.Client{Name: "b"}
		take := func() string {
			t.Helper()
			given, err := w.Work(t.Context(), a, api.WorkRequest{Effort: 1})
			if err != nil || given.Turn == "" || given.TurnMS == 0 || given.Nonce != nil {
				t.Fatalf("%+v, %v", given, err)
			}
			return given.Turn
		}
		hash := byte(0)
		work := func(by workqueue.Client, turn string) error {
			hash++
			worked := make([]byte, 32)
			worked[0] = hash
			_, err := w.Work(t.Context(), by, api.WorkRequest{Worked: worked, Effort: 1, Turn: turn})
			return err
		}
		passed := func(err error) {
			t.Helper()
			if e := (*api.Error)(nil); !errors.As(err, &e) || e.Status != http.StatusConflict {
				t.Errorf("%v", err)
			}
		}
		turn := take()
		passed(work(b, turn))
		if err := work(a, turn); err != nil {
			t.Error(err)
		}
		passed(work(a, turn))
		late := take()
		time.Sleep(turnWithin + time.Second)
		passed(work(a, late))
		if use := pool.Use("a"); use != (workqueue.Use{Spent: 1}) {
			t.Errorf("%+v: a turn that nobody came for costs nothing", use)
		}
		// the same hash again costs nothing
		again := api.WorkRequest{Worked: make([]byte, 32), Effort: 1}
		for range 5 {
			if _, err := w.Work(t.Context(), a, again); err != nil {
				t.Fatal(err)
			}
		}
		if use := pool.Use("a"); use.Spent != 2 || found != 2 {
			t.Errorf("%+v, %d proofs", use, found)
		}
	})
}
