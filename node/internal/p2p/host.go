package p2p

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/protocol"
)

// Config is what a [Host] is made of.
type Config struct {
	Network  *protocol.Network
	Identity ed25519.PrivateKey
	Profile  Profile
	Offline  bool
	Version  string
	Registry prometheus.Registerer
	Logger   *slog.Logger
	// Secret is the key of a private network, nil for none.
	Secret *protocol.Secret
	// Announce are further multiaddrs that others are told. libp2p finds the rest.
	Announce []string
	// NoPortMapping does not ask the router for open ports. NoRelayService does not relay for
	// others.
	NoPortMapping, NoRelayService bool
	// Testbed is what a testbed changes; nil: the host is none of a testbed's.
	Testbed *Testbed
}

// Host is the libp2p host of a node. It knows the node's network and profile, and how others reach
// it.
type Host struct {
	host.Host
	config   Config
	announce []ma.Multiaddr
	bans     bans
	refused  bans // by hand
	traffic  *traffic
	reach    *reach
	punches  *holePunchLog
	relaying *relayCounter
	relays   relaySource
	mapping  portMapping
	prober   *staleConnProber
	testbed  *testbedHost // nil where the host is none of a testbed's
}

// New makes a host. It does not listen yet, so that nobody can knock before the protocols are
// there.
func New(c Config) (*Host, error) {
	h := &Host{config: c, traffic: newTraffic(c.Network.StreamPrefix()), punches: new(holePunchLog), relaying: new(relayCounter)}
	var err error
	if h.announce, err = parseAnnounce(c.Announce); err != nil {
		return nil, err
	}
	if h.testbed, err = newTestbedHost(c.Testbed, c.Profile); err != nil {
		return nil, err
	}
	if err := c.Registry.Register(h.traffic); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if h.Host, err = h.newLibp2p(); err != nil {
		return nil, err
	}
	h.prober = newStaleConnProber(h.Host, c.Logger)
	if h.reach, err = newReach(h.Host, h.reachChanged()); err != nil {
		return nil, errors.Join(err, h.Host.Close())
	}
	if err := h.testbed.start(h); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Close ends all connections.
func (h *Host) Close() error {
	return errors.Join(h.testbed.close(), h.reach.Close(), h.Host.Close())
}

// Profile says where the host listens and whom it may dial.
func (h *Host) Profile() Profile { return h.config.Profile }

// Ban refuses a peer for at least d and ends its connections.
func (h *Host) Ban(p peer.ID, d time.Duration) { h.bans.add(h.Network(), p, d) }

// wouldRelay reports whether the host relays for others once everybody can dial it.
func (h *Host) wouldRelay() bool {
	return h.leavesMachine() && !h.testbed.behindRelay() && !h.config.NoRelayService || h.testbed.isRelay()
}

// leavesMachine reports whether the host has to do with machines other than this one.
func (h *Host) leavesMachine() bool { return h.config.Profile != ProfileLocal && !h.config.Offline }

// newLibp2p makes the libp2p host.
//
// The transports are TCP, QUIC and WebSocket. A private network has TCP and WebSocket, because QUIC
// has no place for its key. A host that has to do with other machines can be reached in all ways
// (see reachOptions), a local one in none of them.
func (h *Host) newLibp2p() (host.Host, error) {
	c := &h.config
	key, err := crypto.UnmarshalEd25519PrivateKey(c.Identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	reporter, err := rcmgr.NewStatsTraceReporter()
	if err != nil {
		return nil, fmt.Errorf("resource manager's metrics: %w", err)
	}
	resources, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(c.Profile.resourceLimits()), rcmgr.WithTraceReporter(reporter))
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	s := c.Profile.sizes()
	conns, err := connmgr.NewConnManager(s.low, s.high, connmgr.WithGracePeriod(connGrace))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connection manager: %w", err), resources.Close())
	}
	options := []libp2p.Option{
		libp2p.NoListenAddrs, libp2p.Identity(key), libp2p.UserAgent("lf/" + c.Version),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(websocket.New),
		libp2p.AddrsFactory(h.announced),
		libp2p.ConnectionGater(h.gater()),
		libp2p.ResourceManager(resources), libp2p.ConnectionManager(conns),
		libp2p.PrometheusRegisterer(c.Registry), libp2p.BandwidthReporter(h.traffic),
		libp2p.WithDialTimeout(DialTimeout), libp2p.SwarmOpts(swarm.WithDialRanker(rankDials)),
	}
	if c.Secret != nil {
		options = append(options, libp2p.PrivateNetwork(pnet.PSK(c.Secret[:])))
	} else {
		options = append(options, libp2p.Transport(quic.NewTransport))
	}
	switch {
	case h.leavesMachine() && !h.testbed.behindRelay():
		options = append(options, h.reachOptions()...)
	case h.testbed != nil:
		options = append(options, libp2p.EnableRelay())
	default:
		options = append(options, libp2p.DisableRelay())
	}
	if !h.leavesMachine() {
		options = append(options, libp2p.MultiaddrResolver(noNames{}), libp2p.ForceReachabilityPrivate(),
			libp2p.DisableIdentifyAddressDiscovery())
	}
	made, err := libp2p.New(options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("libp2p: %w", err), conns.Close(), resources.Close())
	}
	return made, nil
}

func (h *Host) gater() *gater {
	return &gater{profile: h.config.Profile, offline: h.config.Offline, links: h.testbed.links(), bans: &h.bans, refused: &h.refused, relays: h.testbed.onlyDialed()}
}

// reachOptions are the ways in which others reach a host, and in which it helps others to be
// reached. It learns from others at which addresses it can be dialed (AutoNAT, both versions). It
// asks the router for an open port. While it cannot be dialed it has reservations at relays, and
// turns relayed connections into direct ones (DCUtR). Once everybody can dial it, it relays for
// others.
func (h *Host) reachOptions() []libp2p.Option {
	options := []libp2p.Option{
		libp2p.EnableRelay(), libp2p.EnableNATService(), libp2p.AutoNATServiceRateLimit(dialBacks, dialBacksPeer, dialBacksTime),
		libp2p.EnableAutoNATv2(),
		libp2p.EnableAutoRelayWithPeerSource(h.relays.find, autorelay.WithNumRelays(wantedRelays), autorelay.WithMinCandidates(1),
			autorelay.WithBootDelay(0), autorelay.WithMinInterval(relaySearch), autorelay.WithBackoff(relayRefused)),
		libp2p.EnableHolePunching(holepunch.WithMetricsAndEventTracer(
			holepunch.NewMetricsTracer(holepunch.WithRegisterer(h.config.Registry)), h.punches)),
	}
	// its operator says so; without, the first node of a network would wait for one that can tell
	if h.config.Profile == ProfileServer {
		options = append(options, libp2p.ForceReachabilityPublic())
	}
	if h.config.Profile == ProfileDefault && !h.config.NoPortMapping {
		options = append(options, libp2p.NATManager(h.mapping.begin))
	}
	if !h.config.NoRelayService {
		h.relaying.MetricsTracer = relay.NewMetricsTracer(relay.WithRegisterer(h.config.Registry))
		options = append(options, libp2p.EnableRelayService(
			relay.WithResources(h.config.Profile.relayResources()), relay.WithMetricsTracer(h.relaying)))
	}
	return options
}

// announced are the addresses that others are told, of those that libp2p knows.
func (h *Host) announced(found []ma.Multiaddr) []ma.Multiaddr {
	if h.testbed.behindRelay() {
		return slices.Clone(h.testbed.circuits)
	}
	addrs := slices.Clone(found)
	// loopback is where others are themselves
	if h.leavesMachine() && slices.ContainsFunc(addrs, isElsewhere) {
		addrs = slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { return !isElsewhere(a) })
	}
	if h.config.Profile == ProfileServer { // nobody from outside gets anywhere by them
		addrs = slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { ip, isIP := IPOf(a); return isIP && !IsPublic(ip) })
	}
	for _, a := range h.announce {
		if !ma.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

func isElsewhere(a ma.Multiaddr) bool {
	ip, isIP := IPOf(a)
	return !isIP || !ip.IsLoopback()
}
