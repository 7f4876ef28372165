package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// apiServer is the API, listening: on TCP, and where there is one on the home's socket.
type apiServer struct {
	token   string
	tcp     net.Listener
	server  *http.Server
	stop    context.CancelFunc
	served  chan error
	serving int // how many listeners
}

// listenSocket makes the programs of this user wait until serveAPI is called, as listenAPI does
// those of TCP. A node without a socket serves all the same.
func (n *Node) listenSocket() {
	l, err := n.config.Home.ListenSocket()
	if err != nil {
		n.config.Logger.Warn("no socket can be made, so programs reach this node over TCP alone: name its token to them to write (--token-file), "+
			"or move the home to a file system that has sockets", "token", filepath.Join(n.config.Home.Dir(), "api.token"), "error", err)
		return
	}
	n.parts.OnClose("API's socket", func() error { return closeListener(l) })
	n.socket = l
}

// listenAPI makes clients' connections wait until serveAPI is called, so that the first answer
// comes from a whole node.
func (n *Node) listenAPI(ctx context.Context) (*apiServer, error) {
	c := &n.config
	if _, _, err := net.SplitHostPort(c.APIListen); err != nil {
		return nil, fmt.Errorf("the API's address %q is not HOST:PORT, such as %s", c.APIListen, api.DefaultAddress)
	}
	token, err := c.Home.Token()
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.APIListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the API cannot listen on %s: another program uses that port (another node?); choose another one with --api-listen", c.APIListen)
	}
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen on %s: %w", c.APIListen, err)
	}
	n.parts.OnClose("API's listener", func() error { return closeListener(l) })
	if !isLoopback(l.Addr()) {
		c.Logger.Warn("the API is reachable from other machines: it speaks plain HTTP, so put a proxy with TLS before it",
			"address", l.Addr().String())
	}
	return &apiServer{token: token, tcp: l, served: make(chan error, 2)}, nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// serveAPI begins to answer.
func (n *Node) serveAPI(a *apiServer) {
	c := &n.config
	n.url = urlOf(a.tcp.Addr())
	withdraw := n.publishAPI() // before it is served, so that the first client finds it
	options := apiserver.HandlerOptions{
		Token: a.token, Hosts: append(apiHosts(c.APIListen, a.tcp.Addr()), c.APIHosts...), AllowOrigins: c.APIAllowOrigins,
		Tokens: n.grants(), OwnerNamed: n.ownerNamed,
		Private: c.APIPrivate, Registry: n.registry, Ready: n.Ready, Logger: c.Logger, Version: c.Version, Testbed: n.testbed(),
	}
	a.server = apiserver.NewServer(apiserver.NewHandler(n.service, options), c.Logger)
	var ctx context.Context
	ctx, a.stop = context.WithCancel(context.Background())
	a.server.BaseContext = func(net.Listener) context.Context { return ctx }
	n.served = true
	a.serve(a.tcp)
	if n.socket != nil {
		a.serve(apiserver.TrustListener(n.socket))
	}
	n.parts.OnClose("API", a.close)
	n.parts.OnClose("API's address", withdraw)
}

// grants returns what finds limited tokens in the home.
func (n *Node) grants() func(token string) (*apiserver.Grant, error) {
	checker := n.config.Home.TokenChecker()
	return func(token string) (*apiserver.Grant, error) {
		t, err := checker.Find(token)
		if err != nil {
			n.config.Logger.Error("no limited token is valid until this is mended", "error", err)
		}
		if t == nil || err != nil {
			return nil, err
		}
		return &apiserver.Grant{Name: t.Name, Read: t.Read, Submit: t.Submit, Work: t.Work, Set: t.Set}, nil
	}
}

// ownerNamed finds the owner that a name in the home's keyring means.
func (n *Node) ownerNamed(name string) (protocol.Owner, error) {
	key, err := n.config.Home.Owners().Get(name)
	return key.Owner, err
}

func (a *apiServer) serve(l net.Listener) {
	a.serving++
	go func() { a.served <- a.server.Serve(l) }()
}

// apiHosts are the hosts that clients may name, apart from the loopback names. It is the one that
// the user chose to listen on, or all of the machine's addresses where that is every one. A foreign
// page cannot pass under an address, only under a name.
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

// publishAPI writes the API's address into the home. On a full or read-only disk the node serves
// all the same.
func (n *Node) publishAPI() (withdraw func() error) {
	withdraw, err := n.config.Home.PublishAPI(n.url)
	if err != nil {
		n.config.Logger.Warn("programs do not find this node by its home: give them --api "+n.url, "error", err)
		return func() error { return nil }
	}
	return withdraw
}

// urlOf is where the API is, seen from this machine.
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
	for range a.serving {
		if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	return err
}

// closeListener closes a listener that the server may have closed before.
func closeListener(l net.Listener) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
