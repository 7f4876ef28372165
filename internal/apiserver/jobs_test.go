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
	"github.com/lf-store/lf/protocol"
)

func later(r *http.Request) { r.Header.Set("Prefer", "respond-async") }

// jobBench is a service that works for as long as a test says, and clients of it.
type jobBench struct {
	*worker
	*apiserver.Handler
}

func newJobBench(t *testing.T) *jobBench {
	w := &worker{Service: newFake(t)}
	return &jobBench{w, apiserver.NewHandler(w, apiserver.HandlerOptions{Token: token, Tokens: grants(
		apiserver.Grant{Name: "phone", Work: true}, apiserver.Grant{Name: "laptop", Work: true},
	)})}
}

// begin wants a request to become a job.
func (b *jobBench) begin(t *testing.T, by func(*http.Request)) *api.Job {
	t.Helper()
	got := ask(t, b, "POST", "/v1/work", text(workBody), by, later)
	var j api.Job
	if err := json.Unmarshal(got.want(t, http.StatusAccepted, api.TypeJSON), &j); err != nil {
		t.Fatal(err)
	}
	if got.Header().Get("Location") != "/v1/jobs/"+j.Job || got.Header().Get("Preference-Applied") != "respond-async" || j.Done || j.Job == "" || j.Made == 0 {
		t.Fatalf("%v: %+v", got.Header(), j)
	}
	return &j
}

func (b *jobBench) look(t *testing.T, by func(*http.Request), id string) *api.Job {
	t.Helper()
	var j api.Job
	if err := json.Unmarshal(ask(t, b, "GET", "/v1/jobs/"+id, nil, by).want(t, http.StatusOK, api.TypeJSON), &j); err != nil {
		t.Fatal(err)
	}
	return &j
}

func (b *jobBench) wantGone(t *testing.T, by func(*http.Request), id string) {
	t.Helper()
	ask(t, b, "GET", "/v1/jobs/"+id, nil, by).wantProblem(t, http.StatusNotFound, "no such job")
}

// TestJob follows a request that is answered later: its progress, its answer, and its end.
func TestJob(t *testing.T) {
	t.Parallel()
	b := newJobBench(t)
	phone, laptop := bearer("phone"), bearer("laptop")
	synctest.Test(t, func(t *testing.T) {
		b.work = workFor(10*time.Second, nil)
		id := b.begin(t, phone).Job
		time.Sleep(5 * time.Second)
		if j := b.look(t, phone, id); j.Done || j.Progress == nil || j.Progress.Attempts == 0 || j.Status != 0 || j.Result != nil {
			t.Errorf("at work: %+v", j)
		}
		for _, other := range []func(*http.Request){laptop, withToken} {
			b.wantGone(t, other, id)
			ask(t, b, "DELETE", "/v1/jobs/"+id, nil, other).wantProblem(t, http.StatusNotFound, "no such job")
		}
		ask(t, b, "GET", "/v1/jobs/"+id, nil).wantProblem(t, http.StatusUnauthorized, "token")
		time.Sleep(6 * time.Second)
		j := b.look(t, phone, id)
		if !j.Done || j.Progress != nil || j.Status != http.StatusOK || !strings.Contains(string(j.Result), `"effort":3`) || j.Error != nil || j.Until <= j.Made {
			t.Errorf("done: %+v", j)
		}
		time.Sleep(9 * time.Minute)
		b.look(t, phone, id)
		time.Sleep(2 * time.Minute)
		b.wantGone(t, phone, id)

		b.work = workFor(10*time.Second, api.Conflict("too late"))
		id = b.begin(t, phone).Job
		time.Sleep(11 * time.Second)
		if j := b.look(t, phone, id); !j.Done || j.Status != http.StatusConflict || j.Error == nil || j.Error.Detail != "too late" || j.Result != nil {
			t.Errorf("failed: %+v", j)
		}
		b.work = func(context.Context) (*api.WorkResult, error) { time.Sleep(time.Second); panic("a fault") }
		id = b.begin(t, phone).Job
		time.Sleep(2 * time.Second)
		if j := b.look(t, phone, id); j.Status != http.StatusInternalServerError || j.Error == nil {
			t.Errorf("a panic: %+v", j)
		}
	})
}

// TestNoJob: what is answered soon, and what is wrong, becomes no job.
func TestNoJob(t *testing.T) {
	t.Parallel()
	b := newJobBench(t)
	synctest.Test(t, func(t *testing.T) {
		b.work = workFor(0, nil)
		ask(t, b, "POST", "/v1/work", text(workBody), withToken, later).want(t, http.StatusOK, api.TypeJSON)
		ask(t, b, "POST", "/v1/work", text(`{"no`), withToken, later).wantProblem(t, http.StatusBadRequest, "")
		ask(t, b, "POST", "/v1/work", text(workBody), later).wantProblem(t, http.StatusUnauthorized, "token")
		ask(t, b, "POST", "/v1/work", text(strings.Repeat(" ", 1<<20)), withToken, later).wantProblem(t, http.StatusRequestEntityTooLarge, "limit")
		b.work = workFor(5*time.Second, nil)
		for _, prefer := range []string{"respond-async, wait=10", `Wait="10";x=1, RESPOND-ASYNC`, "wait=10", "handling=lenient", ""} {
			ask(t, b, "POST", "/v1/work", text(workBody), withToken, header("Prefer", prefer)).want(t, http.StatusOK, api.TypeJSON)
		}
		begun := time.Now()
		ask(t, b, "POST", "/v1/work", text(workBody), withToken, header("Prefer", "respond-async, wait=2")).want(t, http.StatusAccepted, api.TypeJSON)
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("waited %v", took)
		}
		time.Sleep(10 * time.Second)
	})
}

// TestJobsEnd: jobs end when their client says so, when it goes before it knows of them, and with
// the service.
func TestJobsEnd(t *testing.T) {
	t.Parallel()
	b := newJobBench(t)
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 3)
		b.work = func(ctx context.Context) (*api.WorkResult, error) {
			r, err := workFor(time.Hour, nil)(ctx)
			ended <- err
			return r, err
		}
		id := b.begin(t, withToken).Job
		if got := ask(t, b, "DELETE", "/v1/jobs/"+id, nil, withToken); got.Code != http.StatusNoContent || got.Body.Len() > 0 {
			t.Errorf("%d %s", got.Code, got.Body)
		}
		b.wantGone(t, withToken, id)

		ctx, hangUp := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(arrivedAt(ctx, "127.0.0.1"), "POST", "http://localhost/v1/work", text(workBody))
		r.Header.Set("Content-Type", api.TypeJSON)
		r.Header.Set("Prefer", "respond-async, wait=60")
		withToken(r)
		time.AfterFunc(5*time.Second, hangUp)
		b.ServeHTTP(httptest.NewRecorder(), r)

		b.begin(t, withToken)
		grace, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		b.Close(grace)
		for range cap(ended) {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		ask(t, b, "POST", "/v1/work", text(workBody), withToken, later).wantProblem(t, http.StatusServiceUnavailable, "closing")
	})
}

// TestManyJobs: a client has 32 jobs at a time. Its own oldest ones that have ended make way for
// new ones, and never another client's.
func TestManyJobs(t *testing.T) {
	t.Parallel()
	b := newJobBench(t)
	phone, laptop := bearer("phone"), bearer("laptop")
	synctest.Test(t, func(t *testing.T) {
		b.work = workFor(time.Minute, nil)
		others := b.begin(t, laptop).Job
		var ids []string
		for range 32 {
			ids = append(ids, b.begin(t, phone).Job)
		}
		ask(t, b, "POST", "/v1/work", text(workBody), phone, later).wantProblem(t, http.StatusServiceUnavailable, "32 jobs of this client")
		time.Sleep(2 * time.Minute)
		b.begin(t, phone)
		b.wantGone(t, phone, ids[0])
		b.look(t, phone, ids[31])
		b.look(t, laptop, others)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		b.Close(ended)
	})
}

// TestJobOfSet: a write becomes a job with all that its token allows, and no more.
func TestJobOfSet(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Tokens: grants(apiserver.Grant{Name: "sets", Set: []protocol.Owner{f.DefaultOwner()}})})
	for body, want := range map[string]int{
		`{"selectors":["n"],"text":"x"}`:                  http.StatusCreated,
		`{"selectors":["n"],"text":"x","owner":"nobody"}`: http.StatusForbidden,
	} {
		if got := ask(t, h, "POST", "/v1/set", text(body), bearer("sets"), header("Prefer", "respond-async, wait=60")); got.Code != want {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	if got := ask(t, h, "PUT", "/v1/kv/n", text("x"), bearer("sets"), later, header("Content-Type", "text/plain")); got.Code != http.StatusCreated && got.Code != http.StatusAccepted {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	h.Close(t.Context())
}
