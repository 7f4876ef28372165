package apiserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// worker is a service that works as a test says.
type worker struct {
	api.Service
	work func(ctx context.Context) (*api.WorkResult, error)
}

func (w *worker) Work(ctx context.Context, _ api.WorkRequest) (*api.WorkResult, error) {
	return w.work(ctx)
}

// workFor works for a time, and reports as often as the work queue does.
func workFor(d time.Duration, err error) func(context.Context) (*api.WorkResult, error) {
	return func(ctx context.Context) (*api.WorkResult, error) {
		report := api.WorkProgressOf(ctx)
		for i := range int(d / (100 * time.Millisecond)) {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			if report != nil {
				report(api.WorkProgress{Effort: 9, Attempts: uint64(i), WaitMS: 5})
			}
		}
		if err != nil {
			return nil, err
		}
		return &api.WorkResult{Nonce: []byte{1}, Solution: []byte{2}, Effort: 3}, nil
	}
}

const workBody = `{"worked":"AAAA","effort":1}`

func events(r *http.Request) { r.Header.Set("Accept", "application/json, text/event-stream") }

// eventsIn parses what a stream has.
func eventsIn(t *testing.T, body string) (names []string, data []json.RawMessage) {
	t.Helper()
	for one := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		name, text, found := strings.Cut(one, "\ndata: ")
		if !found || !strings.HasPrefix(name, "event: ") || !json.Valid([]byte(text)) {
			t.Fatalf("%q is no event", one)
		}
		names, data = append(names, strings.TrimPrefix(name, "event: ")), append(data, json.RawMessage(text))
	}
	return names, data
}

// TestEvents: a client that accepts events is told the progress, a few times a second, and then the
// result.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := &worker{Service: newFake(t)}
	h := apiserver.NewHandler(w, apiserver.HandlerOptions{Token: token})
	synctest.Test(t, func(t *testing.T) {
		w.work = workFor(2*time.Second, nil)
		got := ask(t, h, "POST", "/v1/work", text(workBody), withToken, events)
		names, data := eventsIn(t, string(got.want(t, http.StatusOK, api.TypeEvents)))
		if got.Header().Get("X-Accel-Buffering") != "no" || !got.Flushed || len(names) != 8 {
			t.Errorf("%q, headers %v, flushed %t", names, got.Header(), got.Flushed)
		}
		for i, name := range names {
			if last := i == len(names)-1; (name == api.EventResult) != last || (name == api.EventProgress) == last {
				t.Errorf("event %d is %s", i, name)
			}
		}
		var p api.WorkProgress
		if err := json.Unmarshal(data[1], &p); err != nil || p.Attempts != 3 || p.Effort != 9 || p.WaitMS != 5 {
			t.Errorf("%s: %v", data[1], err)
		}
		if result := string(data[len(data)-1]); result != `{"nonce":"AQ==","solution":"Ag==","effort":3}` {
			t.Errorf("result %s", result)
		}

		w.work = workFor(0, nil) // no progress, and a result all the same
		if names, _ := eventsIn(t, string(ask(t, h, "POST", "/v1/work", text(workBody), withToken, events).want(t, http.StatusOK, api.TypeEvents))); len(names) != 1 {
			t.Errorf("%q", names)
		}
		for _, accept := range []string{"*/*", "application/json", ""} {
			ask(t, h, "POST", "/v1/work", text(workBody), withToken, header("Accept", accept)).want(t, http.StatusOK, api.TypeJSON)
		}
	})
}

// TestEventsFail: what fails at once is answered as ever, and later it is an event.
func TestEventsFail(t *testing.T) {
	t.Parallel()
	w := &worker{Service: newFake(t)}
	h := apiserver.NewHandler(w, apiserver.HandlerOptions{Token: token})
	synctest.Test(t, func(t *testing.T) {
		ask(t, h, "POST", "/v1/work", text(`{"no`), withToken, events).wantProblem(t, http.StatusBadRequest, "")
		ask(t, h, "POST", "/v1/work", text(workBody), events).wantProblem(t, http.StatusUnauthorized, "token")
		w.work = workFor(0, api.Unavailable("too many"))
		if got := ask(t, h, "POST", "/v1/work", text(workBody), withToken, events); got.Header().Get("Retry-After") == "" {
			t.Errorf("headers %v", got.Header())
		} else {
			got.wantProblem(t, http.StatusServiceUnavailable, "too many")
		}
		w.work = workFor(time.Second, api.Conflict("too late"))
		names, data := eventsIn(t, string(ask(t, h, "POST", "/v1/work", text(workBody), withToken, events).want(t, http.StatusOK, api.TypeEvents)))
		var e api.Error
		last := len(names) - 1
		if err := json.Unmarshal(data[last], &e); err != nil || names[last] != api.EventError || e.Status != http.StatusConflict || e.Detail != "too late" {
			t.Errorf("%s %s, %v", names[last], data[last], err)
		}
	})
}

// deaf is a client that takes no events after the first ones.
type deaf struct {
	*httptest.ResponseRecorder
	takes int
}

func (d *deaf) Write(b []byte) (int, error) {
	if d.takes--; d.takes < 0 {
		return 0, errors.New("gone")
	}
	return d.ResponseRecorder.Write(b)
}

// TestEventsToNobody: a client that takes no events any more ends its request.
func TestEventsToNobody(t *testing.T) {
	t.Parallel()
	w := &worker{Service: newFake(t)}
	h := apiserver.NewHandler(w, apiserver.HandlerOptions{Token: token})
	synctest.Test(t, func(t *testing.T) {
		var ended error
		w.work = func(ctx context.Context) (*api.WorkResult, error) {
			r, err := workFor(time.Hour, nil)(ctx)
			ended = err
			return r, err
		}
		r := httptest.NewRequestWithContext(arrivedAt(t.Context(), "127.0.0.1"), "POST", "http://localhost/v1/work", text(workBody))
		r.Header.Set("Content-Type", api.TypeJSON)
		withToken(r)
		events(r)
		begun := time.Now()
		h.ServeHTTP(&deaf{httptest.NewRecorder(), 3}, r)
		if took := time.Since(begun); took > 2*time.Second || !errors.Is(ended, context.Canceled) {
			t.Errorf("after %v: %v", took, ended)
		}
	})
}
