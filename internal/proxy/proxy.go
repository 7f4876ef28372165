package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/keeper"
	"github.com/lf-store/lf/internal/supervisor"
)

const (
	// closeStep bounds each step of closing.
	closeStep = 10 * time.Second
	// apiGrace is how long requests may take to end when the proxy closes.
	apiGrace = 3 * time.Second
)

// Proxy is a running proxy.
type Proxy struct {
	config   Config
	registry *prometheus.Registry
	parts    *supervisor.Supervisor
	service  *Service
	url      string
	served   bool

	once    sync.Once
	failure error // of Close

	mu    sync.Mutex
	ready error // why the proxy cannot serve, nil when it can
}

var (
	errStarting = errors.New("the proxy is starting")
	errClosing  = errors.New("the proxy is closing")
)

// Start brings a proxy up. When it returns without error, the API answers, and the home says where.
// The nodes need not answer yet. When it returns an error, nothing of the proxy is left. ctx bounds
// the start only.
func Start(ctx context.Context, c Config) (*Proxy, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p := &Proxy{config: c, registry: registry, parts: supervisor.New(c.Logger, closeStep), ready: errStarting}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Proxy) start(ctx context.Context) error {
	c := &p.config
	unlock, err := c.Home.Lock()
	if err != nil {
		return err
	}
	p.parts.OnClose("home", unlock)
	if err := c.Home.ForgetAPI(); err != nil {
		c.Logger.Warn("programs may look for this proxy where the last one was", "error", err)
	}
	socket := p.listenSocket()
	if err := p.bind(); err != nil {
		return err
	}
	token, err := c.Home.Token()
	if err != nil {
		return err
	}
	cert, err := c.certificate()
	if err != nil {
		return err
	}
	endpoint, err := apiserver.Listen(ctx, c.Listen, "--listen", cert, c.Logger)
	if err != nil {
		return err
	}
	p.parts.OnClose("API's listener", endpoint.Close)
	if p.service, err = newService(c, p.registry); err != nil {
		return err
	}
	p.service.cert = cert
	p.parts.OnClose("nodes", p.service.nodes.close)
	p.parts.OnClose("files of writes", p.service.writes.close)
	p.parts.Start("watch of the nodes", p.service.nodes.watch)
	if err := p.service.nodes.meet(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	p.parts.Start("outbox", p.service.deliver)
	p.parts.Start("spreading of links", p.service.spread)
	p.serveAPI(endpoint, token, socket)
	p.setReady(nil)
	c.Logger.Info("proxy started", "network", c.Network.Params().Name, "nodes", len(c.Nodes), "compare", c.Compare, "api", p.url)
	return nil
}

// listenSocket makes the programs of this user wait until the API is served. A proxy without a
// socket serves all the same.
func (p *Proxy) listenSocket() net.Listener {
	l, err := p.config.Home.ListenSocket()
	if err != nil {
		p.config.Logger.Warn("no socket can be made, so programs reach this proxy over TCP alone: name its token to them to administer it (--token-file), "+
			"or move the home to a file system that has sockets", "token", filepath.Join(p.config.Home.Dir(), "api.token"), "error", err)
		return nil
	}
	p.parts.OnClose("API's socket", func() error { return apiserver.CloseListener(l) })
	return l
}

// bind makes the home belong to the network. A first start that fails takes that back.
func (p *Proxy) bind() error {
	h := p.config.Home
	_, _, err := h.Network()
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := h.BindNetwork(p.config.Network.File(nil)); err != nil {
		return err
	}
	p.parts.OnClose("binding", func() error {
		if !fresh || p.served {
			return nil
		}
		return h.Unbind()
	})
	return nil
}

// serveAPI begins to answer.
func (p *Proxy) serveAPI(e *apiserver.Endpoint, token string, socket net.Listener) {
	c := &p.config
	p.url = e.URL()
	// before the API is served, so that the first client finds it
	withdraw, err := c.Home.PublishAPI(p.url)
	if err != nil {
		c.Logger.Warn("programs do not find this proxy by its home: give them --api "+p.url, "error", err)
		withdraw = func() error { return nil }
	}
	options := p.handlerOptions(token)
	options.Hosts, options.Certificate = append(e.Hosts(), c.Hosts...), p.service.cert
	p.served = true
	e.Serve(apiserver.NewHandler(p.service, options), socket)
	p.parts.OnClose("API", func() error { return e.Shutdown(apiGrace) })
	p.parts.OnClose("watchers", p.service.hub.close)
	p.parts.OnClose("work", p.service.writes.drain) // while those who wait for it can be answered
	p.parts.OnClose("API's address", withdraw)
}

func (p *Proxy) handlerOptions(token string) apiserver.HandlerOptions {
	c := &p.config
	return apiserver.HandlerOptions{
		Token: token, Tokens: p.clientTokens(), OwnerNamed: p.ownerNamed, AllowOrigins: c.AllowOrigins, Private: c.Private, Public: c.Public, AnonymousRate: c.AnonymousRate, TrustedProxies: c.TrustedProxies,
		Clients: p.service, IdempotencyKeys: true, Page: true, Keeper: keeper.New(c.Home),
		Registry: p.registry, Ready: p.Ready, Logger: c.Logger, Version: c.Version,
	}
}

// Close takes the proxy down, in order and in bounded time: first the ways in. It may be called
// more than once.
func (p *Proxy) Close() error {
	p.once.Do(func() {
		p.setReady(errClosing)
		p.failure = p.parts.Close()
	})
	return p.failure
}

// Ready says why the proxy cannot answer, nil if it can: at least one node is in sync.
func (p *Proxy) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready != nil {
		return p.ready
	}
	return p.service.nodes.ready()
}

func (p *Proxy) setReady(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = err
}

// APIURL returns where the API is.
func (p *Proxy) APIURL() string { return p.url }

// Service returns what the API serves.
func (p *Proxy) Service() *Service { return p.service }
