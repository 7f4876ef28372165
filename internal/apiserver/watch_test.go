package apiserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

var watchHorse = api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors("horse")}}, Decrypt: true}

// stream begins to watch, and returns when the current answers are there.
func stream(t *testing.T, c *api.Client, r api.WatchRequest) (next func() (*api.WatchEvent, error, bool), stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	next, end := iter.Pull2(c.Watch(ctx, r))
	for {
		e, err, _ := next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Event == api.WatchSync {
			return next, func() { cancel(); end() }
		}
	}
}

// TestWatchRaw: what curl sees.
func TestWatchRaw(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	text := "x"
	set(t, f, api.SetRequest{Selectors: api.MustSelectors("horse"), Text: &text})
	url := serve(t, f, apiserver.HandlerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	get := func(query, last string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/watch?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	resp := get("k=horse", "")
	if h := resp.Header; h.Get("Content-Type") != api.TypeEvents || h.Get("X-Accel-Buffering") != "no" || h.Get("Cache-Control") != "no-store" {
		t.Fatalf("headers %v", h)
	}
	lines := bufio.NewScanner(resp.Body)
	var id string
	for _, prefix := range []string{"id: ", "event: answer", `data: {"event":"answer"`, "", "id: ", "event: sync", `data: {"event":"sync"`, ""} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), prefix) {
			t.Fatalf("line %q, want %q", lines.Text(), prefix)
		}
		if cut, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = cut
		}
	}
	lines = bufio.NewScanner(get("k=horse", id).Body) // as a browser comes back
	if lines.Scan(); !lines.Scan() || lines.Text() != "event: sync" {
		t.Fatalf("line %q, want silence", lines.Text())
	}
	for query, status := range map[string]int{"": 422, "k=horse&after=x": 422, "k=horse&policy=luck": 422, "k=horse%23b": 422, "k=horse&settled=86400001": 422} {
		if resp := get(query, ""); resp.StatusCode != status || resp.Header.Get("Content-Type") != api.TypeProblem {
			t.Errorf("%q: status %d, %v", query, resp.StatusCode, resp.Header)
		}
	}
}

// TestWatchEndsWithService: streams do not hold up the end of a service, and say why they end.
func TestWatchEndsWithService(t *testing.T) {
	t.Parallel()
	e, err := apiserver.Listen(t.Context(), "127.0.0.1:0", "--flag", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Serve(apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{}), nil)
	next, stop := stream(t, newClient(t, e.URL(), ""), watchHorse)
	defer stop()
	begin := time.Now()
	if err := e.Shutdown(time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("the end took %s", took)
	}
	var problem *api.Error
	if _, err, _ := next(); !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable {
		t.Errorf("the stream ended with %v", err)
	}
}

// TestStreamsAreBounded: an address has 64 streams without a token, requests that wait included.
// The user has more.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	url := serve(t, newFake(t), apiserver.HandlerOptions{Token: token})
	c := newClient(t, url, "")
	var last func()
	for range 64 {
		_, last = stream(t, c, watchHorse)
		defer last()
	}
	refused := func() bool {
		for _, err := range c.Watch(t.Context(), watchHorse) {
			return errors.Is(err, &api.Error{Status: http.StatusTooManyRequests})
		}
		return false
	}
	if !refused() {
		t.Error("a 65th stream was not refused")
	}
	resp, err := http.Get(url + "/v1/kv/horse?wait=1") //nolint:noctx // it is refused
	if err != nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a request that waits: %v, %v", resp.StatusCode, err)
	}
	resp.Body.Close()
	_, stop := stream(t, newClient(t, url, token), watchHorse)
	stop()
	last()
	for begin := time.Now(); refused(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("a stream that ended still counts")
		}
	}
}

// TestWatchRights: a watcher needs the rights of a reader.
func TestWatchRights(t *testing.T) {
	t.Parallel()
	tokens := func(given string) (*apiserver.Grant, error) {
		return map[string]*apiserver.Grant{"reads": {Name: "reads", Read: true}, "works": {Name: "works", Work: true}}[given], nil
	}
	url := serve(t, newFake(t), apiserver.HandlerOptions{Token: token, Tokens: tokens, Private: true})
	for given, status := range map[string]int{"": 401, "wrong": 401, "works": 403, "reads": 0, token: 0} {
		for _, err := range newClient(t, url, given).Watch(t.Context(), watchHorse) {
			if status != 0 && !errors.Is(err, &api.Error{Status: status}) || status == 0 && err != nil {
				t.Errorf("token %q: %v, want status %d", given, err, status)
			}
			break
		}
	}
}

// slowService tells a large answer again and again.
type slowService struct {
	*apitest.Fake
	told chan int // how many events were taken, when the stream has ended
}

func (s *slowService) Watch(context.Context, api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		text, n := strings.Repeat("x", 60<<10), 0
		defer func() { s.told <- n }()
		for yield(&api.WatchEvent{Event: api.WatchAnswer, Answer: &api.Answer{Version: api.Version{Text: &text}}}, nil) {
			n++
		}
	}
}

// stuckWriter takes nothing after a number of writes, and fails at its deadline, as a connection
// does whose client does not read.
type stuckWriter struct {
	*httptest.ResponseRecorder
	left     int
	deadline time.Time
}

func (w *stuckWriter) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

func (w *stuckWriter) Write(b []byte) (int, error) {
	if w.left--; w.left >= 0 {
		return w.ResponseRecorder.Write(b)
	}
	if patience := time.Until(w.deadline); patience < 110*time.Second || patience > 2*time.Minute {
		return 0, fmt.Errorf("a watcher is given %s", patience)
	}
	return 0, os.ErrDeadlineExceeded
}

// TestSlowWatcherIsCutOff: a watcher that takes nothing for 2 minutes is cut off, and counted.
func TestSlowWatcherIsCutOff(t *testing.T) {
	t.Parallel()
	s := &slowService{newFake(t), make(chan int, 1)}
	h := apiserver.NewHandler(s, apiserver.HandlerOptions{Public: true})
	r := httptest.NewRequest(http.MethodGet, "http://localhost/v1/watch?k=horse", nil)
	h.ServeHTTP(&stuckWriter{ResponseRecorder: httptest.NewRecorder(), left: 3}, r)
	if n := <-s.told; n != 3 {
		t.Errorf("%d events were taken", n)
	}
	metrics := httptest.NewRecorder()
	h.ServeHTTP(metrics, httptest.NewRequest(http.MethodGet, "http://localhost/metrics", nil))
	if !strings.Contains(metrics.Body.String(), "lf_watch_cut_off_total 1") {
		t.Error("the metric does not count it")
	}
}

// silentService tells nothing after the listing.
type silentService struct{ *apitest.Fake }

func (silentService) Watch(ctx context.Context, _ api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		if yield(&api.WatchEvent{Event: api.WatchSync, Listed: true}, nil) {
			<-ctx.Done()
			yield(nil, ctx.Err())
		}
	}
}

// TestCommentsCome: every 15 s without an event.
func TestCommentsCome(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	synctest.Test(t, func(t *testing.T) {
		h := apiserver.NewHandler(silentService{f}, apiserver.HandlerOptions{Public: true})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v1/watch?k=horse", nil).WithContext(ctx))
		if n := strings.Count(w.Body.String(), ":\n\n"); n != 3 {
			t.Errorf("%d comments in 50 s: %q", n, w.Body)
		}
	})
}
