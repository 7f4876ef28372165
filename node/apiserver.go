package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
)

// apiServer is the API, listening.
type apiServer struct {
	server   *http.Server
	listener net.Listener
	stop     context.CancelFunc
	served   chan error
}

// listenAPI makes clients' connections wait until serve is called, so that the first answer comes from a whole node.
func listenAPI(ctx context.Context, c *Config) (net.Listener, error) {
	host, _, err := net.SplitHostPort(c.APIListen)
	if err != nil {
		return nil, fmt.Errorf("the API's address %q is not HOST:PORT, such as %s", c.APIListen, DefaultAPI)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.APIListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the API cannot listen on %s: another program uses that port (another node?); choose another one with --api-listen", c.APIListen)
	}
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen on %s: %w", c.APIListen, err)
	}
	if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		c.Logger.Warn("the API is reachable from other machines: it speaks plain HTTP, so put a proxy with TLS before it",
			"address", l.Addr().String(), "host", host)
	}
	return l, nil
}

// serveAPI begins to answer.
func serveAPI(l net.Listener, s api.Service, c *Config, token string, registry *prometheus.Registry, ready func() error) *apiServer {
	handler := api.NewHandler(s, api.HandlerOptions{
		Token: token, Hosts: apiHosts(c.APIListen), Registry: registry, Ready: ready, Logger: c.Logger, Version: c.Version,
	})
	ctx, stop := context.WithCancel(context.Background())
	a := &apiServer{server: api.NewServer(handler, c.Logger), listener: l, stop: stop, served: make(chan error, 1)}
	a.server.BaseContext = func(net.Listener) context.Context { return ctx }
	go func() { a.served <- a.server.Serve(l) }()
	return a
}

// apiHosts lets a client name the host that the user chose to listen on, besides the loopback names.
func apiHosts(listen string) []string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "" {
		return nil
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return []string{host}
}

// url is where the API is, seen from this machine.
func (a *apiServer) url() string {
	addr, ok := a.listener.Addr().(*net.TCPAddr)
	if ok && addr.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", addr.Port)
	}
	return "http://" + a.listener.Addr().String()
}

// close lets requests end for a moment, then ends them.
func (a *apiServer) close() error {
	defer a.stop()
	ctx, cancel := context.WithTimeout(context.Background(), apiGrace)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.stop() // what takes long, as a proof of work does, ends now
		err = a.server.Close()
	}
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// closeListener closes a listener that the server may have closed before.
func closeListener(l net.Listener) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err //nolint:wrapcheck // the caller says what it is
	}
	return nil
}
