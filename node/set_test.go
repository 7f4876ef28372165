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
	if err != nil || len(res.Answers) != 4 {
		t.Fatalf("answers %+v, %v; want four", res, err)
	}
	if info, err := b.Service().Record(t.Context(), res.Answers[0].Record); err != nil || info.Effort == 0 {
		t.Errorf("record %+v, %v; want one with work", info, err)
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
		_, err := c.Set(context.Background(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
		done <- err
	}()
	eventually(t, "it solves", func() bool { return n.service.WaitingWrites() == 1 })
	stop(t, n)
	if err := <-done; err == nil {
		t.Error("the write succeeded")
	}
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
		r, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text, Owner: owner})
		if err != nil || r.Owner != horse.Owner {
			t.Errorf("owner %q: %+v, %v", owner, r, err)
		}
	}
	_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text, Owner: "bad"})
	wantAPIError(t, err, http.StatusConflict, "bad.pem")
	for _, owner := range []string{"nobody", "../identity"} {
		_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text, Owner: owner})
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
		_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &second})
		if c.ok {
			if got := get(t, n.Service(), "x"); err != nil || got != second {
				t.Errorf("%s ahead: %v, and the answer is %q", c.ahead, err, got)
			}
			continue
		}
		wantAPIError(t, err, http.StatusConflict, "a clock was wrong")
	}
}

func wantAPIError(t *testing.T, err error, status int, detail string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Detail, detail) || strings.Contains(e.Detail, "\n") {
		t.Errorf("error %v (%T), want status %d and one line about %q", err, err, status, detail)
	}
}
