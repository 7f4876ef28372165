package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lfsync "github.com/lf-store/lf/sync"

	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/syncstore"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// TestSetCanceled gives up a write whose work would take forever, and one that waits for it.
func TestSetCanceled(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1<<24))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			text := "never"
			_, err := s.Set(ctx, api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
			done <- err
		}()
	}
	nodetest.Eventually(t, "both wait", func() bool { return s.WaitingWrites() == 2 })
	cancel()
	for range cap(done) {
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("still solving 5 s after it was canceled")
		}
	}
}

func TestSetQueueFull(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1))
	for range maxClientWrites {
		place, err := s.work.Enter(workqueue.Client{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer place.Leave()
	}
	text := "x"
	_, err := s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
	wantAPIError(t, err, http.StatusServiceUnavailable, "proof of work")
}

// TestSetComposedInItsTurn holds that a write which waited has the time of its turn. So it is not
// late, however long the queue is.
func TestSetComposedInItsTurn(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1))
	var late atomic.Int64
	s.config.Clock = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	places := takeTurns(t, s)
	done := make(chan *api.Submitted, 1)
	go func() {
		text := "x"
		r, err := s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	nodetest.Eventually(t, "it waits", func() bool { return s.WaitingWrites() == len(places)+1 })
	late.Store(int64(time.Minute))
	for _, place := range places {
		place.Leave()
	}
	r := <-done
	if r == nil {
		t.FailNow()
	}
	if age := s.now() - r.Timestamp; age > 30_000 {
		t.Errorf("the record is %d s old", age/1000)
	}
}

// TestClockBehind refuses to write when the newest records are further ahead than the network
// allows.
func TestClockBehind(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	first := "x"
	if _, err := s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &first}); err != nil {
		t.Fatal(err)
	}
	s.config.Clock = func() time.Time { return time.Now().Add(-time.Hour) }
	text := "y"
	_, err := s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
	wantAPIError(t, err, http.StatusConflict, "check the clock")
}

// TestFailures holds what callers are told of what can go wrong beneath the service.
func TestFailures(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("put: %w", &protocol.InvalidError{Rule: protocol.RuleWork, Reason: "no"}): 422,
		fmt.Errorf("x: %w", protocol.ErrTooFarAhead):                                         422,
		fmt.Errorf("x: %w", lfsync.ErrNoValue):                                               422,
		fmt.Errorf("x: %w", store.ErrTooBroad):                                               422,
		fmt.Errorf("x: %w", lfsync.ErrBusy):                                                  503,
		fmt.Errorf("x: %w", store.ErrPendingFull):                                            503,
		fmt.Errorf("x: %w", store.ErrClosed):                                                 503,
		fmt.Errorf("x: %w", store.ErrNotFound):                                               404,
		fmt.Errorf("x: %w", store.ErrNoSpace):                                                507,
		fmt.Errorf("x: %w", store.ErrReadOnly):                                               507,
	} {
		wantAPIError(t, Failure(err), want, "")
	}
	secret := errors.New("something about the inside")
	if got := Failure(secret); got != secret {
		t.Errorf("an unknown failure became %v", got)
	}
	if Failure(nil) != nil {
		t.Error("no failure became one")
	}
}

func wantAPIError(t *testing.T, err error, status int, detail string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Detail, detail) || strings.Contains(e.Detail, "\n") {
		t.Errorf("error %v (%T), want status %d and one line about %q", err, err, status, detail)
	}
}

// brokenStore fails at every write.
type brokenStore struct {
	lfsync.Store
	err error
}

func (s brokenStore) Put(context.Context, *protocol.Record, uint64) (lfsync.Stored, error) {
	return lfsync.Stored{}, s.err
}

func (s brokenStore) Submit(context.Context, *protocol.Record, uint64) (lfsync.Stored, error) {
	return lfsync.Stored{}, s.err
}

// TestFailuresThroughSync holds that what the store says of a failed write reaches the caller.
func TestFailuresThroughSync(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	broken, err := lfsync.New(lfsync.Config{
		Network: s.config.Network, Verify: VerifyWork,
		Store: brokenStore{syncstore.Store{Store: s.config.Store}, fmt.Errorf("put: %w", store.ErrNoSpace)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	s.config.Sync = broken
	text := "x"
	_, err = s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
	wantAPIError(t, err, http.StatusInsufficientStorage, "free some disk space")
}

// TestSetNotesNames holds that a write through the node is noted in the home's list of names, and a
// masked one is not.
func TestSetNotesNames(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	for _, mask := range []string{"", "secret"} {
		text := "x"
		_, err := s.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("svc"+mask, "web#1"), Text: &text, MaskingKey: mask})
		if err != nil {
			t.Fatal(err)
		}
	}
	names, err := s.config.Home.Names().List()
	if err != nil || len(names) != 1 || !slices.Equal(names[0].Key, []string{"svc#0", "web#1"}) {
		t.Errorf("%+v, %v", names, err)
	}
}
