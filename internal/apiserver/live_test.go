package apiserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// fakeActivities tells of nothing.
type fakeActivities struct{}

func (fakeActivities) Activity(context.Context) (*api.Activity, error) {
	return &api.Activity{Minutes: []api.ActivitySample{}, Quarters: []api.ActivitySample{}}, nil
}

// moody is a service whose status a test changes, and which counts how often it is asked.
type moody struct {
	api.Service
	mu    sync.Mutex
	state string
	err   error
	asked int
}

func (m *moody) Status(context.Context) (*api.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return &api.Status{Sync: api.SyncStatus{State: m.state}}, m.err
}

func (m *moody) set(state string, err error) (asked int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.err = state, err
	return m.asked
}

// viewer reads a stream as it is written.
type viewer struct {
	header http.Header
	events chan [2]string
}

func (v *viewer) Header() http.Header { return v.header }
func (v *viewer) WriteHeader(int)     {}
func (v *viewer) Write(b []byte) (int, error) {
	name, data, _ := strings.Cut(strings.TrimPrefix(string(b), "event: "), "\ndata: ")
	v.events <- [2]string{name, strings.TrimSpace(data)}
	return len(b), nil
}

// view opens the stream. Its end ends the returned channel.
func view(ctx context.Context, h http.Handler, change ...func(*http.Request)) *viewer {
	v := &viewer{http.Header{}, make(chan [2]string, 1024)}
	r := httptest.NewRequestWithContext(arrivedAt(ctx, "127.0.0.1"), "GET", "http://localhost/v1/live", nil)
	for _, c := range change {
		c(r)
	}
	go func() {
		defer close(v.events)
		h.ServeHTTP(v, r)
	}()
	return v
}

// state returns the state that the next event of a status tells.
func (v *viewer) state(t *testing.T) string {
	t.Helper()
	for e := range v.events {
		if e[0] == "status" {
			var s api.Status
			if err := json.Unmarshal([]byte(e[1]), &s); err != nil {
				t.Fatal(err)
			}
			return s.Sync.State
		}
	}
	t.Fatal("the stream has ended")
	return ""
}

// next returns the next event of a name.
func (v *viewer) next(t *testing.T, name string) string {
	t.Helper()
	for e := range v.events {
		if e[0] == name {
			return e[1]
		}
	}
	t.Fatalf("the stream has ended without %s", name)
	return ""
}

// TestLive: each viewer is told all, then what changes. The service is asked once for all of them,
// and not at all while nobody looks.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Service: newFake(t), state: "alone"}
		h := apiserver.NewHandler(m, apiserver.HandlerOptions{Token: token, Activities: fakeActivities{}})
		ctx, cancel := context.WithCancel(t.Context())
		first, second := view(ctx, h), view(ctx, h)
		for _, v := range []*viewer{first, second} {
			if got := v.state(t); got != "alone" {
				t.Errorf("at first %q", got)
			}
		}
		before := m.set("synced", nil)
		time.Sleep(10*time.Second + time.Second/2)
		if asked := m.set("synced", nil) - before; asked != 10 {
			t.Errorf("asked %d times in 10 s for two viewers", asked)
		}
		for _, v := range []*viewer{first, second} {
			if got := v.state(t); got != "synced" {
				t.Errorf("then %q", got)
			}
		}
		third := view(ctx, h)
		if got := third.state(t); got != "synced" {
			t.Errorf("a late viewer is told %q", got)
		}
		m.set("synced", api.Unavailable("the disk is away"))
		var problem api.Error
		if err := json.Unmarshal([]byte(third.next(t, "problem")), &problem); err != nil || problem.Detail != "the disk is away" {
			t.Errorf("problem %+v, %v", problem, err)
		}
		m.set("alone", nil)
		if got := third.next(t, "problem"); got != "null" {
			t.Errorf("the problem stays: %s", got)
		}
		cancel()
		synctest.Wait()
		before = m.set("alone", nil)
		time.Sleep(time.Minute)
		if asked := m.set("alone", nil) - before; asked != 0 {
			t.Errorf("asked %d times while nobody looks", asked)
		}
		fourth := view(t.Context(), h)
		if got := fourth.state(t); got != "alone" {
			t.Errorf("a viewer after a pause is told %q", got)
		}
		h.Close(t.Context()) // which ends the streams
		if got := fourth.next(t, "error"); !json.Valid([]byte(got)) {
			t.Errorf("end %q", got)
		}
		synctest.Wait()
	})
}

// TestLiveBounded: an address may look often, but not without limit.
func TestLiveBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := apiserver.NewHandler(&moody{Service: newFake(t), err: errors.New("broken")}, apiserver.HandlerOptions{Token: token})
		ctx, cancel := context.WithCancel(t.Context())
		for range 64 {
			view(ctx, h)
		}
		synctest.Wait()
		ask(t, h, "GET", "/v1/live", nil).wantProblem(t, http.StatusTooManyRequests, "streams open")
		cancel()
		synctest.Wait()
		h.Close(t.Context())
	})
}
