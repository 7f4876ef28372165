package api_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/node/api"
)

// token is what the clients of tests bear.
const token = "the token of the test"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t testing.TB, url, token string) *api.Client {
	t.Helper()
	c := api.NewClient(url, token)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientURLs(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://127.0.0.1:9980":    "http://127.0.0.1:9980",
		"http://127.0.0.1:9980/":   "http://127.0.0.1:9980",
		"127.0.0.1:9980":           "http://127.0.0.1:9980",
		"localhost:9980":           "http://localhost:9980",
		"https://node.example/lf/": "https://node.example/lf",
		"http://[::1]:9980":        "http://[::1]:9980",
	} {
		if c := newClient(t, given, ""); c.URL() != want {
			t.Errorf("%q: %q, want %q", given, c.URL(), want)
		}
	}
	for _, given := range []string{"", "ftp://127.0.0.1", "http://", "http://a b", "http://127.0.0.1:port", "http://u:p@127.0.0.1", "http://127.0.0.1/?x=1", "/tmp/socket"} {
		if _, err := newClient(t, given, "").Status(t.Context()); err == nil || !strings.Contains(err.Error(), "http://HOST:PORT") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestClientNoNode(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	_, err = newClient(t, url, "").Status(t.Context())
	var e *api.UnreachableError
	if !errors.As(err, &e) || err.Error() != fmt.Sprintf("no node answers at %s: is `lf node` running?", url) {
		t.Fatalf("%v", err)
	}
}

// What answers at the address may be anything.
func TestClientStrangers(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"a web server": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"its error":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
		"a false problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(500)
			fmt.Fprint(w, "nonsense")
		},
		"false JSON": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"version":`)
		},
		"other JSON": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `[1]`)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"version":"1`)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			c := newClient(t, server.URL, token)
			if s, err := c.Status(t.Context()); err == nil || s != nil || !strings.Contains(err.Error(), server.URL) {
				t.Fatalf("%+v, %v: want an error that names the address", s, err)
			}
		})
	}
}

// An answer may have grown a field since this client was built.
func TestClientTakesNewFields(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"answers":[],"next":"x","reasons":{}}`)
	}))
	defer server.Close()
	if r, err := newClient(t, server.URL, "").Query(t.Context(), api.Query{}); err != nil || r.Next != "x" {
		t.Fatalf("%+v, %v", r, err)
	}
}

// The token goes to the node and to nobody that it points to.
func TestClientKeepsToken(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := newClient(t, server.URL, token).Status(t.Context()); err == nil || seen.Load() > 0 {
		t.Fatalf("%v, redirected %d times", err, seen.Load())
	}
}

// A proxy may send answers in chunks; the connection is used again all the same.
func TestClientTakesChunks(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"answers":[]}`)
		http.NewResponseController(w).Flush()
		time.Sleep(5 * time.Millisecond)
		fmt.Fprint(w, "\n")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := newClient(t, server.URL, "")
	for range 3 {
		if _, err := c.Query(t.Context(), api.Query{}); err != nil {
			t.Fatal(err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections", opened.Load())
	}
}

func TestClientDeadline(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := newClient(t, server.URL, "").Status(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), server.URL) {
		t.Fatalf("%v", err)
	}
}
