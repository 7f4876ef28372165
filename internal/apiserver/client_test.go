package apiserver_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

func TestClientWrongToken(t *testing.T) {
	t.Parallel()
	url := serve(t, newFake(t), apiserver.HandlerOptions{Token: token})
	text := "x"
	for _, wrong := range []string{"", "guess"} {
		_, err := newClient(t, url, wrong).Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text})
		if !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) || !strings.Contains(err.Error(), "api.token") {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
}

// Requests one after the other share a connection, errors included.
func TestClientKeepsConnection(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := startWith(t, newFake(t), func(s *http.Server) {
		s.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
	})
	c := newClient(t, server.URL, "")
	for range 20 {
		if _, err := c.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Query(t.Context(), api.Query{}); err == nil {
			t.Fatal("a query for nothing is answered")
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections for 40 requests", opened.Load())
	}
}

// A kept connection may turn out to be dead, for the node was started again: what can be repeated
// is.
func TestClientRepeats(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 == 2 {
			panic(http.ErrAbortHandler) // hang up without an answer
		}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	c := newClient(t, server.URL, token)
	query := api.Query{Selectors: []api.SelectorRange{{Name: "n"}}}
	for range 4 {
		if _, err := c.Query(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	requests.Store(0)
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := "x" // setting twice is not the same as setting once
	if _, err := c.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text}); err == nil || requests.Load() != 2 {
		t.Fatalf("%v after %d requests", err, requests.Load())
	}
}
