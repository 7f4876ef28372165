package api_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// serveSocket serves s on a Unix socket, as trusted or not, beside TCP, and returns both addresses.
func serveSocket(t *testing.T, s api.Service, trusted bool) (socket, tcp string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lf-") //nolint:usetesting // t.TempDir may be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "api.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if trusted {
		l = api.TrustListener(l)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = api.NewServer(api.NewHandler(s, api.HandlerOptions{Token: token}), nil)
	server.Start()
	t.Cleanup(server.Close)
	served := make(chan struct{})
	go func() { _ = server.Config.Serve(l); close(served) }()
	t.Cleanup(func() { _ = l.Close(); <-served })
	return api.SocketURL(path), server.URL
}

// Access to a trusted socket is the right to do everything, and to nothing that came another way.
func TestTrustedListener(t *testing.T) {
	socket, tcp := serveSocket(t, newFake(t), true)
	text := "x"
	r := api.SetRequest{Selectors: []string{"n"}, Text: &text}
	c := newClient(t, socket, "")
	if _, err := c.Set(t.Context(), r); err != nil || c.URL() != socket {
		t.Errorf("through %s: %v", c.URL(), err)
	}
	if _, err := newClient(t, tcp, "").Set(t.Context(), r); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("through %s: %v", tcp, err)
	}
	untrusted, _ := serveSocket(t, newFake(t), false)
	c = newClient(t, untrusted, "")
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("reading through any socket: %v", err)
	}
	if _, err := c.Set(t.Context(), r); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("writing through any socket: %v", err)
	}
}

// A client over a socket is as good as the service.
func TestClientOfSocket(t *testing.T) {
	socket, _ := serveSocket(t, newFake(t), true)
	apitest.TestService(t, func(t *testing.T) api.Service { return newClient(t, socket, "") })
}

func TestSocketURLs(t *testing.T) {
	for given, want := range map[string]string{
		"unix:/nowhere/api.sock": "no node answers at unix:/nowhere/api.sock: is `lf node` running?",
		"unix:api.sock":          "the socket's whole path",
		"unix:":                  "the socket's whole path",
	} {
		if _, err := newClient(t, given, "").Status(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// Every call ends, even where something listens and says nothing.
func TestSilentServer(t *testing.T) {
	calls := map[string]struct {
		within time.Duration
		call   func(context.Context, *api.Client) error
	}{
		"status": {api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Status(ctx); return err }},
		"query":  {api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Query(ctx, api.Query{}); return err }},
		"synced": {time.Minute + api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Synced(ctx, time.Minute); return err }},
		"submit": {2 * time.Minute, func(ctx context.Context, c *api.Client) error { _, err := c.Submit(ctx, []byte{1}); return err }},
		"set":    {time.Hour, func(ctx context.Context, c *api.Client) error { _, err := c.Set(ctx, api.SetRequest{}); return err }},
	}
	for name, q := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := api.NewClientVia("http://127.0.0.1:9980", "", func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() { // takes everything, says nothing
						for b := make([]byte, 1024); ; {
							if _, err := far.Read(b); err != nil {
								return
							}
						}
					}()
					return near, nil
				})
				defer c.Close()
				begin := time.Now()
				err := q.call(t.Context(), c)
				var late *api.TimeoutError
				if took := time.Since(begin); !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || took != q.within {
					t.Errorf("after %s: %v, want an end after %s", took, err, q.within)
				}
				c.SetReadTimeout(time.Second)
				begin = time.Now()
				if _, err := c.Status(t.Context()); time.Since(begin) != time.Second || !strings.Contains(err.Error(), "127.0.0.1:9980 within 1s") {
					t.Errorf("after %s: %v", time.Since(begin), err)
				}
			})
		})
	}
}
