package apiserver_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Every limit of a connection is set, and a header has room for the longest query string.
func TestServerLimits(t *testing.T) {
	t.Parallel()
	s := apiserver.NewServer(http.NotFoundHandler(), nil)
	for name, d := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%s timeout: %v", name, d)
		}
	}
	if s.ReadHeaderTimeout > 10*time.Second {
		t.Errorf("a header may trickle in for %v", s.ReadHeaderTimeout)
	}
	if need := protocol.MaxSelectors * protocol.MaxName * 3; s.MaxHeaderBytes < need || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("headers of up to %d bytes, want %d and not much more", s.MaxHeaderBytes, need)
	}
}

// startWith serves s with other timeouts than NewServer's, so that a test need not wait for those.
func startWith(t *testing.T, s api.Service, change func(*http.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(s, apiserver.HandlerOptions{Token: token}), nil)
	change(server.Config)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// A client that trickles in its header, or its body, is hung up on.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	server := startWith(t, newFake(t), func(s *http.Server) {
		s.ReadHeaderTimeout, s.ReadTimeout = 50*time.Millisecond, 100*time.Millisecond
	})
	for name, begin := range map[string]string{
		"header": "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"body":   "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(conn, begin)
			answer, err := io.ReadAll(conn)             // until the server hangs up
			if errors.Is(err, os.ErrDeadlineExceeded) { // a reset is one way to hang up
				t.Fatalf("still connected: %v", err)
			}
			if strings.Contains(string(answer), "200 OK") {
				t.Fatalf("answer: %s", answer)
			}
		})
	}
}

// slow is a service whose Set takes its time.
type slow struct {
	api.Service
	takes   time.Duration
	stopped chan error
	begun   chan struct{} // may be nil
}

func (s slow) Set(ctx context.Context, _ api.SetRequest) (*api.Submitted, error) {
	if s.begun != nil {
		close(s.begun)
	}
	select {
	case <-ctx.Done():
		s.stopped <- ctx.Err()
		return nil, ctx.Err()
	case <-time.After(s.takes):
		return &api.Submitted{State: api.StateAttached}, nil
	}
}

// Work may take longer than an ordinary answer.
func TestSetMayTakeLong(t *testing.T) {
	t.Parallel()
	server := startWith(t, slow{newFake(t), 400 * time.Millisecond, make(chan error, 1), nil}, func(s *http.Server) {
		s.ReadTimeout, s.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	c := newClient(t, server.URL, token)
	text := "x"
	if s, err := c.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text}); err != nil || s.State != api.StateAttached {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Fatalf("the next request: %v", err)
	}
}

// Who hangs up stops the work.
func TestHangUpStopsSet(t *testing.T) {
	t.Parallel()
	s := slow{newFake(t), time.Hour, make(chan error, 1), make(chan struct{})}
	server := startWith(t, s, func(*http.Server) {})
	c := newClient(t, server.URL, token)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.begun
		cancel()
	}()
	text := "x"
	if _, err := c.Set(ctx, api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want the context's error", err)
	}
	select {
	case <-s.stopped:
	case <-time.After(time.Minute):
		t.Fatal("the work goes on")
	}
}
