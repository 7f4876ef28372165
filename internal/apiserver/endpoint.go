package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Endpoint is where an API listens over TCP. Clients that connect before [Endpoint.Serve] wait, so
// that the first answer comes from a service that is ready.
type Endpoint struct {
	listen string // as the user gave it
	tcp    net.Listener
	cert   *Certificate // nil: plain HTTP
	log    *slog.Logger

	handler *Handler     // nil until Serve
	server  *http.Server // the same
	stop    context.CancelFunc
	served  chan error
	serving int // how many listeners
}

// Listen opens an endpoint at a host and port. flag is the option that names them: errors speak of
// it. Without a certificate it speaks plain HTTP. The caller must Close the endpoint.
func Listen(ctx context.Context, address, flag string, cert *Certificate, logger *slog.Logger) (*Endpoint, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("the API's address %q is not HOST:PORT, such as 127.0.0.1:9980", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the API cannot listen on %s: another program uses that port (another node?); choose another one with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen on %s: %w", address, err)
	}
	if cert == nil && !isLoopback(l.Addr()) {
		logger.Warn("the API is reachable from other machines: it speaks plain HTTP, so put a proxy with TLS before it",
			"address", l.Addr().String())
	}
	return &Endpoint{listen: address, tcp: l, cert: cert, log: logger}, nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// URL is where the API is, seen from this machine.
func (e *Endpoint) URL() string {
	scheme := "http"
	if e.cert != nil {
		scheme = "https"
	}
	if tcp, ok := e.tcp.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://127.0.0.1:%d", scheme, tcp.Port)
	}
	return scheme + "://" + e.tcp.Addr().String()
}

// Hosts are the hosts that clients may name, apart from the loopback names. It is the one that the
// user chose to listen on, or all of the machine's addresses where that is every one. A foreign
// page cannot pass under an address, only under a name.
func (e *Endpoint) Hosts() []string { return listenedHosts(e.listen, e.tcp.Addr()) }

func listenedHosts(listen string, at net.Addr) []string {
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

// Serve begins to answer over TCP and on a socket, whose callers may do everything; nil is none.
func (e *Endpoint) Serve(h *Handler, socket net.Listener) {
	e.handler, e.server, e.served = h, NewServer(h, e.log), make(chan error, 2)
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.server.BaseContext = func(net.Listener) context.Context { return ctx }
	if e.cert == nil {
		e.serve(func() error { return e.server.Serve(e.tcp) })
	} else {
		e.server.TLSConfig = e.cert.config()
		e.serve(func() error { return e.server.ServeTLS(e.tcp, "", "") })
	}
	if socket != nil {
		e.serve(func() error { return e.server.Serve(TrustListener(socket)) })
	}
}

func (e *Endpoint) serve(serve func() error) {
	e.serving++
	go func() { e.served <- serve() }()
}

// Shutdown lets requests and jobs end for as long as grace, then ends them.
func (e *Endpoint) Shutdown(grace time.Duration) error {
	if e.server == nil {
		return nil
	}
	defer e.stop()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	e.handler.EndStreams()
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		e.stop() // what takes long, as a proof of work does, ends now
		err = e.server.Close()
	}
	e.handler.Close(ctx)
	for ; e.serving > 0; e.serving-- {
		if served := <-e.served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return err
}

// Close stops listening. The server may have done so before.
func (e *Endpoint) Close() error { return CloseListener(e.tcp) }

// CloseListener closes a listener that a server may have closed before.
func CloseListener(l net.Listener) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
