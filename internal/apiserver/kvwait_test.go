package apiserver_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// getter asks for a value, as curl does with --etag-save and --etag-compare.
type getter struct {
	*testing.T
	url, tag string
}

func (g *getter) get(query string) (status int, body string) {
	g.Helper()
	r, err := http.NewRequestWithContext(g.Context(), http.MethodGet, g.url+query, nil)
	if err != nil {
		g.Fatal(err)
	}
	if g.tag != "" {
		r.Header.Set("If-None-Match", g.tag)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.Fatal(err)
	}
	if tag := resp.Header.Get("ETag"); tag != "" {
		g.tag = tag
	}
	return resp.StatusCode, string(b)
}

func (g *getter) want(query string, status int, body string) {
	g.Helper()
	if s, b := g.get(query); s != status || body != "" && b != body {
		g.Fatalf("%s: %d %q, want %d %q", query, s, b, status, body)
	}
}

func set(t *testing.T, f *apitest.Fake, r api.SetRequest) {
	t.Helper()
	if _, err := f.Set(context.WithoutCancel(t.Context()), r); err != nil {
		t.Error(err)
	}
	time.Sleep(2 * time.Millisecond)
}

// TestLongPoll loops as curl does: it sees a value come, change, be deleted and go, and waits for
// each.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	g := &getter{T: t, url: serve(t, f, apiserver.HandlerOptions{}) + "/v1/kv/horse"}
	n := api.MustSelectors("horse")
	text := func(s string) api.SetRequest { return api.SetRequest{Selectors: n, Text: &s} }
	change := func(r api.SetRequest) {
		time.Sleep(50 * time.Millisecond) // the request waits by now, or else finds it
		set(t, f, r)
	}
	g.want("?raw&wait=60", 404, "")
	for _, step := range []struct {
		change api.SetRequest
		status int
		body   string
	}{
		{text("a"), 200, "a"},
		{text("b"), 200, "b"},
		{api.SetRequest{Selectors: n, Type: api.SetDelete}, 410, ""},
		{api.SetRequest{Selectors: n, Type: api.SetRelease}, 404, ""},
		{text("c"), 200, "c"},
	} {
		done := make(chan struct{})
		go func() { defer close(done); change(step.change) }()
		g.want("?raw&wait=60", step.status, step.body)
		<-done
	}
	g.want("?raw&wait=0.01", 304, "")
	g.want("?raw", 304, "")
	g.tag = `"something else", ` + g.tag
	g.want("", 304, "")
	g.want("?wait=1&until=5", 422, "")
}

// TestLongPollOfRange waits for a change of any of its answers.
func TestLongPollOfRange(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	text := "x"
	g := &getter{T: t, url: serve(t, f, apiserver.HandlerOptions{}) + "/v1/kv?k=horse%23"}
	g.want("&wait=60", 200, "") // what there is at first comes at once: nothing
	for i := range 3 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(20 * time.Millisecond)
			set(t, f, api.SetRequest{Selectors: []api.SelectorRange{{Name: "horse", From: api.Uint64(i), To: api.Uint64(i)}}, Text: &text})
		}()
		g.want("&wait=60", 200, "")
		<-done
		g.want("&wait=0.01", 304, "")
	}
}
