package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/namespace"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/service"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Node is a running peer.
type Node struct {
	config   Config
	registry *prometheus.Registry
	parts    *supervisor.Supervisor
	store    *store.Store
	host     *p2p.Host
	peering  service.Peering
	// remembered are the peers that were added by hand.
	remembered *service.RememberedPeers
	sync       *lfsync.Sync
	oracle     *oracle.Commentator // nil where the node is no oracle
	service    *service.Service
	url        string
	socket     net.Listener // of the API, nil without one
	// served tells whether the API ever answered, and so something may have been promised.
	served bool

	once    sync.Once
	failure error // of Close

	mu    sync.Mutex
	ready error // why the node is not ready, nil when it is
}

var (
	errStarting = errors.New("the node is starting")
	errClosing  = errors.New("the node is closing")
)

// Start brings a node up. When it returns without error, the node listens, and its API answers. The
// home says where, if it can be written. When it returns an error, nothing of it is left. ctx
// bounds the start only.
func Start(ctx context.Context, c Config) (*Node, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	p2p.QuietLibraries()
	n := &Node{config: c, registry: newRegistry(), parts: supervisor.New(c.Logger, closeStep), ready: errStarting}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// newRegistry returns a registry of the node's own: several nodes can run in one process. libp2p
// keeps its counters once a process, so they then show the sum.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// start puts up each part on those before it: the home, the store, the host, and what speaks with
// peers. Last comes what lets others in, first the clients, then the peers.
func (n *Node) start(ctx context.Context) error {
	identity, err := n.startHome()
	if err != nil {
		return err
	}
	c := &n.config
	whom, err := trust.New(c.Home, c.Policy, c.Logger)
	if err != nil {
		return err
	}
	token, err := c.Home.Token()
	if err != nil {
		return err
	}
	endpoint, err := n.listenAPI(ctx)
	if err != nil {
		return err
	}
	if err := n.startStore(); err != nil {
		return err
	}
	if err := n.startHost(identity); err != nil {
		return err
	}
	seeds, err := p2p.ParseSeeds(c.Seeds, n.host.ID(), c.Profile)
	if err != nil {
		return err
	}
	n.remembered = service.LoadRememberedPeers(c.Home, n.host.ID(), c.Profile, c.Logger)
	if err := n.startPeering(ctx, identity, seeds); err != nil {
		return err
	}
	if err := n.startOracle(identity); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := n.startService(ctx, whom, seeds); err != nil {
		return err
	}
	n.serveAPI(endpoint, token)
	n.setReady(nil)
	c.Logger.Info("node started", "peer", n.host.ID(), "network", c.Network.Params().Name, "profile", c.Profile,
		"offline", c.Offline, "api", n.url, "addresses", n.Addresses())
	return nil
}

// startHome locks the home and binds it to the network. It returns the home's identity.
func (n *Node) startHome() (ed25519.PrivateKey, error) {
	c := &n.config
	unlock, err := c.Home.Lock()
	if err != nil {
		return nil, err
	}
	n.parts.OnClose("home", unlock)
	if err := c.Home.ForgetAPI(); err != nil {
		c.Logger.Warn("programs may look for this node where the last one was", "error", err)
	}
	n.listenSocket() // early: a client that asks now waits, and is not told that there is no node
	file := c.Network.File(c.NetworkSeeds)
	file.Secret = c.Secret
	undo, err := bind(c.Home, file)
	if err != nil {
		return nil, err
	}
	n.parts.OnClose("binding", func() error {
		if n.served {
			return nil
		}
		return undo()
	})
	return c.Home.Identity()
}

// startStore opens the database and begins to look for damage in it.
func (n *Node) startStore() (err error) {
	c := &n.config
	o := store.Options{Logger: c.Logger, Clock: c.Clock}
	if c.Upgrading != nil {
		o.Upgrading = func(u store.Upgrade) { c.Upgrading(u.Done, u.Total) }
	}
	if n.store, err = store.Open(c.Home.Database(), c.Network, o); err != nil {
		return err
	}
	n.parts.OnClose("store", n.store.Close)
	n.parts.Start("scrub", func(ctx context.Context) error {
		if err := n.store.Scrub(ctx); err != nil {
			c.Logger.Warn("nobody looks for damage in the database", "error", err)
		}
		return nil
	})
	return nil
}

// startService makes what the API serves.
func (n *Node) startService(ctx context.Context, whom *trust.Trust, seeds []peer.AddrInfo) (err error) {
	c := &n.config
	n.service, err = service.New(ctx, service.Config{
		Network: c.Network, Home: c.Home, Store: n.store, Sync: n.sync, Host: n.host, Trust: whom, State: n.datastore("node"),
		Oracle: n.oracle, OraclePerHour: c.Oracle.PerHour, SeedTexts: c.Seeds, Seeds: seeds, NoRendezvous: c.whyNoRendezvous(),
		Private: c.Secret != nil, Offline: c.Offline, Version: c.Version, Clock: c.Clock, Logger: c.Logger, Registry: n.registry,
		Threads: c.Threads, Peering: n.peering, Remembered: n.remembered,
	})
	if err != nil {
		return err
	}
	n.parts.Start("service", n.service.Run)
	return nil
}

// datastore is a part of the store's key/value table.
func (n *Node) datastore(name string) datastore.Batching {
	return namespace.Wrap(n.store.Datastore(), datastore.NewKey(name))
}

// Close takes the node down, in order and in bounded time: first the ways in, the database last. It
// may be called more than once.
func (n *Node) Close() error {
	n.once.Do(func() {
		n.setReady(errClosing)
		n.failure = n.parts.Close()
	})
	return n.failure
}

// Ready says why the node is not ready to serve, nil if it is.
func (n *Node) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready != nil {
		return n.ready
	}
	return n.service.Repairing()
}

func (n *Node) setReady(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ready = err
}

// APIURL returns where the API is.
func (n *Node) APIURL() string { return n.url }

// PeerID returns the node's peer ID, which is also its owner's text form.
func (n *Node) PeerID() peer.ID { return n.host.ID() }

// Addresses returns the multiaddrs, peer ID included, under which the node can be dialed: what
// another one takes as a seed.
func (n *Node) Addresses() []string { return p2p.Addresses(n.host) }

// Client returns a client of this node, with the owners in its home. Nothing goes over HTTP. The
// caller must Close it; the node stays as it is.
func (n *Node) Client() (*lf.Client, error) {
	return lf.New(n.service, n.config.Network, lf.InHome(n.config.Home), lf.ByNodesClock())
}

// Service returns what the API serves.
func (n *Node) Service() api.Service { return n.service }
