package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// TestSetWithWork makes records that cost something, several at once, and reads them on another
// node, which checked the work.
func TestSetWithWork(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 16)
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	wantPeers(t, b, 1)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			set(t, a.Service(), fmt.Sprint(i), fmt.Sprintf("paid#%d", i))
		})
	}
	wg.Wait()
	for i := range 4 {
		wantRead(t, b.Service(), fmt.Sprint(i), fmt.Sprintf("paid#%d", i))
	}
	res, err := b.Service().Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: "paid", To: 9}}})
	if err != nil || len(res.Answers) != 4 || res.Answers[0].Record.Effort == 0 {
		t.Errorf("answers %+v, %v; want four with work", res, err)
	}
}

// TestSetCanceled gives up a write whose work would take for ever, and one that waits behind it.
func TestSetCanceled(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 1<<24), offline))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			text := "never"
			_, err := n.Service().Set(ctx, api.SetRequest{Selectors: []string{"x"}, Text: &text})
			done <- err
		}()
	}
	eventually(t, "both wait", func() bool { return len(n.service.waiting) == 2 })
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

// TestSetEndsWithNode closes a node while its API solves.
func TestSetEndsWithNode(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 1<<24), offline))
	done := make(chan error, 1)
	c := client(t, n)
	go func() {
		text := "never"
		_, err := c.Set(context.Background(), api.SetRequest{Selectors: []string{"x"}, Text: &text})
		done <- err
	}()
	eventually(t, "it solves", func() bool { return len(n.service.waiting) == 1 })
	stop(t, n)
	if err := <-done; err == nil {
		t.Error("the write succeeded")
	}
}

func TestSetQueueFull(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 1), offline))
	for range maxWaitingWrites {
		n.service.waiting <- struct{}{}
	}
	text := "x"
	_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text})
	wantAPIError(t, err, http.StatusServiceUnavailable, "proof of work")
}

// TestSetOwners writes with owners by name and by ID, and with a key that cannot be read.
func TestSetOwners(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0), offline)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Home.Dir(), "owners", "bad.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	text := "x"
	for _, owner := range []string{"", "horse"} {
		r, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text, Owner: owner})
		if err != nil || r.Owner != horse.Owner {
			t.Errorf("owner %q: %+v, %v", owner, r, err)
		}
	}
	_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text, Owner: "bad"})
	wantAPIError(t, err, http.StatusConflict, "bad.pem")
	for _, owner := range []string{"nobody", "../identity"} {
		_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text, Owner: owner})
		wantAPIError(t, err, http.StatusNotFound, owner)
	}
}

// TestLaterWriteWins holds that of two writes under one key the second wins, even in one
// millisecond and even while the clock stands still.
func TestLaterWriteWins(t *testing.T) {
	t.Parallel()
	now := time.Now().Add(time.Second) // not before the genesis
	n := start(t, config(t, newNetwork(t, 0), offline, func(c *Config) { c.Clock = func() time.Time { return now } }))
	for i := range 20 {
		value := fmt.Sprint(i)
		set(t, n.Service(), value, "counter")
		if got := get(t, n.Service(), "counter"); got != value {
			t.Fatalf("wrote %s, read %s", value, got)
		}
	}
}

func TestLastWrites(t *testing.T) {
	var l lastWrites
	a, b := write{owner: protocol.Owner{1}}, write{owner: protocol.Owner{2}}
	for i, step := range []struct {
		w          write
		least, now uint64
		want       uint64
	}{
		{a, 10, 10, 10}, {a, 10, 10, 11}, {b, 10, 10, 10}, {a, 10, 10, 12}, {a, 20, 20, 20}, {a, 15, 20, 21},
	} {
		if got := l.next(step.w, step.least, step.now); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	for i := range 5000 {
		l.next(write{composite: protocol.CompositeID{byte(i), byte(i >> 8)}}, uint64(100+i), uint64(100+i))
	}
	if len(l.at) > 1024 {
		t.Errorf("%d writes remembered", len(l.at))
	}
}

// TestClockWasAhead starts a node again whose clock was ahead and is right now. A record that
// replaces what was written then is later than that, or refused: it is never acknowledged and then
// not the answer.
func TestClockWasAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ahead time.Duration
		ok    bool
	}{{90 * time.Second, true}, {time.Hour, false}} {
		conf := config(t, newNetwork(t, 0), offline, func(f *Config) { f.Clock = func() time.Time { return time.Now().Add(c.ahead) } })
		n := start(t, conf)
		set(t, n.Service(), "first", "x")
		stop(t, n)
		conf.Clock = nil
		n = start(t, conf)
		set(t, n.Service(), "other", "y")
		second := "second"
		_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &second})
		if c.ok {
			if got := get(t, n.Service(), "x"); err != nil || got != second {
				t.Errorf("%s ahead: %v, and the answer is %q", c.ahead, err, got)
			}
			continue
		}
		wantAPIError(t, err, http.StatusConflict, "a clock was wrong")
	}
}

// TestClockBehind refuses to write when the newest records are further ahead than the network
// allows.
func TestClockBehind(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	set(t, n.Service(), "x", "x")
	n.service.clock = func() time.Time { return time.Now().Add(-time.Hour) }
	text := "y"
	_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text})
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
		wantAPIError(t, failure(err), want, "")
	}
	secret := errors.New("something about the inside")
	if got := failure(secret); got != secret {
		t.Errorf("an unknown failure became %v", got)
	}
	if failure(nil) != nil {
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
	n := start(t, config(t, newNetwork(t, 0), offline))
	broken, err := lfsync.New(lfsync.Config{
		Network: n.config.Network, Verify: VerifyWork,
		Store: brokenStore{syncStore{n.store}, fmt.Errorf("put: %w", store.ErrNoSpace)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	n.service.sync = broken
	text := "x"
	_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: []string{"x"}, Text: &text})
	wantAPIError(t, err, http.StatusInsufficientStorage, "free some disk space")
}
