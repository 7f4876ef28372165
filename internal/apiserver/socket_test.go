package apiserver_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// serveSocket serves s on a Unix socket, as trusted or not, beside TCP, and returns both addresses.
func serveSocket(t *testing.T, s api.Service, trusted bool, o apiserver.HandlerOptions) (socket, tcp string) {
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
		l = apiserver.TrustListener(l)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(s, o), nil)
	server.Start()
	t.Cleanup(server.Close)
	served := make(chan struct{})
	go func() { _ = server.Config.Serve(l); close(served) }()
	t.Cleanup(func() { _ = l.Close(); <-served })
	return api.SocketURL(path), server.URL
}

// Access to a trusted socket is the right to do everything, and to nothing that came another way.
func TestTrustedListener(t *testing.T) {
	t.Parallel()
	socket, tcp := serveSocket(t, newFake(t), true, apiserver.HandlerOptions{Token: token})
	text := "x"
	r := api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text}
	c := newClient(t, socket, "")
	if _, err := c.Set(t.Context(), r); err != nil || c.URL() != socket {
		t.Errorf("through %s: %v", c.URL(), err)
	}
	if _, err := newClient(t, tcp, "").Set(t.Context(), r); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("through %s: %v", tcp, err)
	}
	untrusted, _ := serveSocket(t, newFake(t), false, apiserver.HandlerOptions{Token: token})
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
	t.Parallel()
	socket, _ := serveSocket(t, newFake(t), true, apiserver.HandlerOptions{Token: token})
	apitest.TestService(t, func(t *testing.T) api.Service { return newClient(t, socket, "") })
}
