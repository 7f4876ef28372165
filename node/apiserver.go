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
	if _, _, err := net.SplitHostPort(c.APIListen); err != nil {
		return nil, fmt.Errorf("the API's address %q is not HOST:PORT, such as %s", c.APIListen, DefaultAPI)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.APIListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the API cannot listen on %s: another program uses that port (another node?); choose another one with --api-listen", c.APIListen)
	}
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen on %s: %w", c.APIListen, err)
	}
	if !isLoopback(l.Addr()) {
		c.Logger.Warn("the API is reachable from other machines: it speaks plain HTTP, so put a proxy with TLS before it",
			"address", l.Addr().String())
	}
	return l, nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// serveAPI begins to answer.
func serveAPI(l net.Listener, s api.Service, t api.Testbed, c *Config, token string, registry *prometheus.Registry, ready func() error) *apiServer {
	handler := api.NewHandler(s, api.HandlerOptions{
		Token: token, Hosts: append(apiHosts(c.APIListen, l.Addr()), c.APIHosts...), AllowOrigins: c.APIAllowOrigins, Private: c.APIPrivate, Registry: registry, Ready: ready, Logger: c.Logger, Version: c.Version,
		Testbed: t,
	})
	ctx, stop := context.WithCancel(context.Background())
	a := &apiServer{server: api.NewServer(handler, c.Logger), listener: l, stop: stop, served: make(chan error, 1)}
	a.server.BaseContext = func(net.Listener) context.Context { return ctx }
	go func() { a.served <- a.server.Serve(l) }()
	return a
}

// apiHosts are the hosts that clients may name, besides the loopback names: the one that the user chose to listen on, or
// all of the machine's addresses where that is every one. A foreign page cannot pass under an address, only under a name.
func apiHosts(listen string, at net.Addr) []string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil
	}
	hosts := []string{bracketed(host)}
	if addr, ok := at.(*net.TCPAddr); !ok || !addr.IP.IsUnspecified() {
		return hosts
	}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return hosts
	}
	for _, i := range interfaces {
		if n, ok := i.(*net.IPNet); ok {
			hosts = append(hosts, bracketed(n.IP.String()))
		}
	}
	return hosts
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// url is where the API is, seen from this machine.
func (a *apiServer) url() string { return urlOf(a.listener.Addr()) }

func urlOf(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + addr.String()
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
