package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-datastore/namespace"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Node is a running peer.
type Node struct {
	config   Config
	registry *prometheus.Registry
	store    *store.Store
	host     host.Host
	identity ed25519.PrivateKey
	shunned  shunned
	reach    *reach
	roaming  *roaming
	clone    *clone.Detector           // nil offline
	stranger func() (host.Host, error) // makes a host with a throw-away identity
	sync     *lfsync.Sync
	traffic  *traffic
	service  *service
	url      string
	oracle   atomic.Pointer[oracle.Commentator] // nil where the node is no oracle
	// whether the API ever answered, and so something may have been promised
	served  bool
	testbed api.Testbed     // nil where the node is none of a testbed's
	relays  []peer.AddrInfo // the only way to the node, if there are any

	relaySource relaySource
	instruments instruments

	closing closing
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
	quietLibraries()
	n := &Node{config: c, registry: newRegistry(), traffic: newTraffic(protocolPrefix(c.Network)), ready: errStarting, closing: closing{log: c.Logger}}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// start puts up what stands on the parts before it: the home, the store, the host, what speaks with
// peers, and last what lets others in, first the clients, then the peers.
func (n *Node) start(ctx context.Context) error {
	c := &n.config
	unlock, err := c.Home.Lock()
	if err != nil {
		return err
	}
	n.closing.add("home", unlock)
	if err := c.Home.ForgetAPI(); err != nil {
		c.Logger.Warn("programs may look for this node where the last one was", "error", err)
	}
	// early: a client that asks now waits, and is not told that there is no node
	socket := n.listenSocket()
	file := c.Network.File(c.NetworkSeeds)
	file.Secret = c.Secret
	undo, err := bind(c.Home, file)
	if err != nil {
		return err
	}
	n.closing.add("binding", func() error {
		if n.served {
			return nil
		}
		return undo()
	})
	identity, err := c.Home.Identity()
	if err != nil {
		return err
	}
	token, err := c.Home.Token()
	if err != nil {
		return err
	}
	trust, err := newTrust(c.Home, c.Policy, c.Logger)
	if err != nil {
		return err
	}
	listener, err := listenAPI(ctx, c)
	if err != nil {
		return err
	}
	n.closing.add("API's listener", func() error { return closeListener(listener) })
	if n.store, err = store.Open(c.Home.Database(), c.Network, store.Options{Logger: c.Logger, Clock: c.Clock}); err != nil {
		return err
	}
	n.closing.add("store", n.store.Close)
	n.startScrub()
	if err := errors.Join(n.registry.Register(storeMetrics{n.store}), n.registry.Register(n.traffic)); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := n.startHost(identity); err != nil {
		return err
	}
	keeper, err := n.startPeering(ctx)
	if err != nil {
		return err
	}
	if err := n.startOracle(identity); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	n.instruments.drops = newDropWatch(n.drops)
	n.closing.add("count of drops", n.instruments.drops.Close)
	n.service = n.newService(keeper, trust)
	if n.service.database, err = databaseID(ctx, n.datastore("node")); err != nil {
		return err
	}
	if err := n.registry.Register(nodeMetrics{n.service}); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	n.served = true
	n.url = urlOf(listener.Addr())
	withdraw := n.publishAPI() // before it is served, so that the first client finds it
	server := serveAPI(listener, socket, n.service, n.testbed, c, token, n.registry, n.Ready)
	n.closing.add("API", server.close)
	n.closing.add("API's address", withdraw)
	n.warn(trust)
	n.setReady(nil)
	c.Logger.Info("node started", "peer", n.host.ID(), "network", c.Network.Params().Name, "profile", c.Profile,
		"offline", c.Offline, "api", n.url, "addresses", n.Addresses())
	return nil
}

// startHost makes the libp2p host, and what a testbed wants of it besides.
func (n *Node) startHost(identity ed25519.PrivateKey) error {
	c := &n.config
	n.identity = identity
	hc := hostConfig{identity: identity, profile: c.Profile, offline: c.Offline, version: c.Version,
		registry: n.registry, traffic: n.traffic, shunned: &n.shunned,
		noPortMapping: c.NoPortMapping, noRelayService: c.NoRelayService, secret: c.Secret,
		punches: new(punches), service: new(relayCounter), source: &n.relaySource, mapping: new(portMapping)}
	var err error
	if hc.announce, err = parseAnnounce(c.Announce); err != nil {
		return err
	}
	if c.Testbed != nil {
		hc.testbed, hc.links = true, new(links)
		if hc.relays, err = parseSeeds(c.Testbed.RelayOnly, "", c.Profile); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		if hc.circuits, err = circuitsOf(hc.relays); err != nil {
			return err
		}
	}
	if n.host, err = newHost(hc); err != nil {
		return err
	}
	n.stranger = hc.newStranger
	n.closing.add("host", n.host.Close)
	if n.reach, err = newReach(n.host, circle{hc.punches, hc.service}, n.reachChanged()); err != nil {
		return err
	}
	n.closing.add("reach", n.reach.Close)
	n.instruments = instruments{begun: time.Now(), shunned: &n.shunned, reach: n.reach, portMapping: hc.mapping, relays: hc.relaysForOthers()}
	if c.Testbed == nil {
		return nil
	}
	n.testbed = &testbed{n.host, hc.links, n.store}
	stop := hc.links.watch(n.host.Network())
	n.closing.add("links", func() error { stop(); return nil })
	if c.Testbed.RelayService {
		hc.service.MetricsTracer = relay.NewMetricsTracer(relay.WithRegisterer(n.registry))
		n.instruments.relays = true
		service, err := newRelay(n.host, hc.service)
		if err != nil {
			return err
		}
		n.closing.add("relay service", service.Close)
	}
	n.relays = hc.relays
	return nil
}

// reachChanged tells the log when it turns out whether others can dial this node.
func (n *Node) reachChanged() func(reachFacts) {
	was := reachUnknown
	return func(f reachFacts) {
		// others are told, and do not find out
		if f.Reachability != was && n.config.Profile == ProfileDefault {
			was = f.Reachability
			n.config.Logger.Info("reachability has changed: whether others can dial this node", "reachability", was)
		}
	}
}

// warn tells the log what the status says too.
func (n *Node) warn(t *trust) {
	b, _ := t.now()
	if w := defenceless(n.config.Network, b.oracles); w != "" {
		n.config.Logger.Warn(w)
	}
}

// startPeering starts all that has to do with peers; offline that is only the synchronization,
// which is the door for this node's own records too.
func (n *Node) startPeering(ctx context.Context) (*keeper, error) {
	c := &n.config
	seeds, err := parseSeeds(c.Seeds, n.host.ID(), c.Profile)
	if err != nil {
		return nil, err
	}
	if !c.Offline {
		if err := n.startCloneDetector(); err != nil {
			return nil, err
		}
	}
	if err := n.startSync(seeds); err != nil || c.Offline {
		return nil, err
	}
	known, err := newKnown(ctx, n.host, n.datastore("peers"), n.speaks, c.Profile.mayDial, c.Logger)
	if err != nil {
		return nil, err
	}
	n.closing.add("known peers", known.Close)
	n.instruments.known = known
	at, err := meetingPoint(c.Network)
	if err != nil {
		return nil, err
	}
	dht, err := newDHT(ctx, n.host, protocolPrefix(c.Network), n.datastore("dht"), c.Profile, known.list, newProviderDoor(at, time.Now))
	if err != nil {
		return nil, err
	}
	n.closing.add("DHT", dht.Close)
	pinger, err := newPinger(n.host)
	if err != nil {
		return nil, err
	}
	n.closing.add("pinger", pinger.Close)
	n.roaming = newRoaming(n.host, c.Logger)
	n.closing.add("roaming", n.roaming.Close)
	// others can be dialed, or punch no holes
	if c.Profile == ProfileDefault && len(n.relays) == 0 {
		n.closing.add("repuncher", newRepuncher(n.host, n.speaks, repunchAfter, c.Logger).Close)
	}
	if len(n.relays) > 0 {
		n.instruments.reserver = newReserver(n.host, n.relays, c.Logger)
		n.closing.add("relays", n.instruments.reserver.Close)
	} else if err := listen(ctx, n.host, c.Profile, c.Listen, c.Secret != nil); err != nil {
		return nil, err
	}
	if c.Profile == ProfileDefault && !c.NoMDNS {
		n.instruments.neighbors = newNeighbors(n.host, serviceName(c.Network), c.Profile.dialableInfo, n.clone, c.Logger)
		n.closing.add("neighbors", n.instruments.neighbors.Close)
	}
	n.relaySource.begin(n.host, dht, seeds, n.speaks)
	if c.Profile == ProfileDefault {
		if err := seekRelays(n.host); err != nil {
			return nil, err
		}
	}
	keeper, err := newKeeper(n.host, seeds, n.worthSeeking, c.Logger)
	if err != nil {
		return nil, err
	}
	n.closing.add("seeds", keeper.Close)
	m := meeting{n.host, at, n.speaks, c.Profile.dialableInfo, n.clone, c.Logger}
	if c.whyNoRendezvous() == "" {
		lead, err := parseSeeds(c.Rendezvous, n.host.ID(), c.Profile)
		if err != nil {
			return nil, fmt.Errorf("rendezvous: %w", err)
		}
		r := newRendezvous(m, lead, n.wantsGuests)
		r.start()
		n.closing.add("rendezvous", r.Close)
		n.instruments.rendezvous = r
	}
	n.instruments.dht, n.instruments.finder = dht, newFinder(m, dht)
	n.closing.add("finder", n.instruments.finder.Close)
	return keeper, nil
}

// wantsGuests reports whether the node does not know yet how others reach it.
func (n *Node) wantsGuests() bool {
	f := n.reach.facts()
	return f.Reachability != reachPublic && len(f.Relays) < wantedRelays
}

// worthSeeking returns where a peer can be dialed that was just lost, if it is of this network. A
// node with many connections closes some by itself, and needs none back.
func (n *Node) worthSeeking(p peer.ID) (at []ma.Multiaddr) {
	if !n.speaks(p) || len(n.host.Network().Peers()) >= n.config.Profile.sizes().low {
		return nil
	}
	for _, a := range n.host.Peerstore().Addrs(p) {
		if len(at) < maxKnownAddrs && n.config.Profile.mayDial(a) {
			at = append(at, a)
		}
	}
	return at
}

// startSync starts gossip, unless offline, and the synchronization.
func (n *Node) startSync(seeds []peer.AddrInfo) error {
	c := &n.config
	config := lfsync.Config{
		Network: c.Network, Store: syncStore{n.store}, Verify: VerifyWork,
		Clock: c.Clock, Logger: c.Logger, Registerer: n.registry,
		Drop:    func(p peer.ID, d time.Duration) { n.shunned.add(n.host.Network(), p, d) },
		Repairs: syncStore{n.store},
	}
	if !c.Offline {
		config.Host = n.host
		ctx, stop := context.WithCancel(context.Background())
		n.closing.add("gossip", func() error { stop(); return nil })
		config.GossipDrops = new(lfsync.GossipDrops)
		isSeed := func(p peer.ID) bool {
			return slices.ContainsFunc(seeds, func(s peer.AddrInfo) bool { return s.ID == p })
		}
		options := append(lfsync.PubSubOptions(c.Network, isSeed), pubsub.WithRawTracer(config.GossipDrops))
		var err error
		if config.PubSub, err = pubsub.NewGossipSub(ctx, newExchange(n.host, c.Profile.dialableInfo, n.clone), options...); err != nil {
			return fmt.Errorf("gossip: %w", err)
		}
	}
	var err error
	if n.sync, err = lfsync.New(config); err != nil {
		return err
	}
	n.closing.add("sync", n.sync.Close)
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
		n.failure = n.closing.run()
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
	return n.repairing()
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
func (n *Node) Addresses() []string { return addressesOf(n.host) }

// Service returns what the API serves.
func (n *Node) Service() api.Service { return n.service }

func (n *Node) speaks(p peer.ID) bool { return speaks(n.host, n.config.Network, p) }

// speaks reports whether a connected peer speaks the network's protocols.
func speaks(h host.Host, n *protocol.Network, p peer.ID) bool {
	fetch := libp2pprotocol.ID(protocolPrefix(n) + "/fetch/1")
	known, err := h.Peerstore().SupportsProtocols(p, fetch)
	return err == nil && len(known) > 0
}

// protocolPrefix begins the names of all protocols of a network.
func protocolPrefix(n *protocol.Network) string { return "/lf/" + n.ID().String() }

func addressesOf(h host.Host) []string {
	list := []string{}
	for _, a := range h.Addrs() {
		list = append(list, a.String()+"/p2p/"+h.ID().String())
	}
	slices.Sort(list)
	return list
}
