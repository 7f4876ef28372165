package apiserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// TestClientTellsProgress: the client tells the progress of each call that has the service work,
// and returns what the service does.
func TestClientTellsProgress(t *testing.T) {
	t.Parallel()
	w := &worker{Service: newFake(t), work: workFor(300*time.Millisecond, nil)}
	c := newClient(t, serve(t, w, apiserver.HandlerOptions{Token: token}), token)
	told := 0
	ctx := api.WithWorkProgress(t.Context(), func(p api.WorkProgress) {
		if told++; p.Effort != 9 {
			t.Errorf("%+v", p)
		}
	})
	r := api.WorkRequest{Worked: make([]byte, 32), Effort: 1}
	if got, err := c.Work(ctx, r); err != nil || got.Effort != 3 || told == 0 {
		t.Errorf("%+v, %v, told %d times", got, err, told)
	}
	w.work = workFor(300*time.Millisecond, api.Conflict("too late"))
	var e *api.Error
	if _, err := c.Work(ctx, r); !errors.As(err, &e) || e.Status != http.StatusConflict || e.Detail != "too late" {
		t.Errorf("%v", err)
	}
	w.work = workFor(0, api.Conflict("at once"))
	if _, err := c.Work(ctx, r); !errors.As(err, &e) || e.Detail != "at once" {
		t.Errorf("%v", err)
	}
	text := "x"
	if _, err := c.Set(ctx, api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(api.WithWorkProgress(t.Context(), func(api.WorkProgress) {}))
	w.work = workFor(time.Hour, nil)
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := c.Work(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestClientOfFalseEvents reads events that a node would not send.
func TestClientOfFalseEvents(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{
		"nothing":         "",
		"no result":       "event: progress\ndata: {}\n\n",
		"cut off":         "event: result\ndata: {\"effort\":3}\n",
		"no JSON":         "event: result\ndata: effort\n\n",
		"twice":           "event: result\ndata: {\"effort\":3,\"effort\":4}\n\n",
		"no progress":     "event: progress\ndata: 7\n\n",
		"no error":        "event: error\ndata: []\n\n",
		"a huge event":    "event: progress\ndata: \"" + strings.Repeat("x", 1<<20) + "\"\n\n",
		"an endless line": strings.Repeat("x", 1<<20),
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			fmt.Fprint(w, said)
		}))
		c := newClient(t, server.URL, "")
		ctx := api.WithWorkProgress(t.Context(), func(api.WorkProgress) {})
		if _, err := c.Work(ctx, api.WorkRequest{}); err == nil || !strings.Contains(err.Error(), "is cut off or makes no sense") {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

// TestClientOfJobs: jobs as a Go program sees them.
func TestClientOfJobs(t *testing.T) {
	t.Parallel()
	w := &worker{Service: newFake(t), work: workFor(time.Hour, nil)}
	h := apiserver.NewHandler(w, apiserver.HandlerOptions{Token: token})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	id := strings.TrimPrefix(ask(t, h, "POST", "/v1/work", text(workBody), withToken, later).Header().Get("Location"), "/v1/jobs/")
	c := newClient(t, server.URL, token)
	if j, err := c.Job(t.Context(), id); err != nil || j.Job != id || j.Done {
		t.Errorf("%+v, %v", j, err)
	}
	if err := c.CancelJob(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := c.Job(t.Context(), id); !errors.Is(err, &api.Error{Status: http.StatusNotFound}) {
		t.Error(err)
	}
	h.Close(t.Context())
}
