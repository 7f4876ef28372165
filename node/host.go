package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

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

// hostConfig is what a libp2p host is made of.
type hostConfig struct {
	identity ed25519.PrivateKey
	profile  Profile
	offline  bool
	version  string
	registry prometheus.Registerer
	traffic  *traffic
	shunned  *shunned
	// testbed lets the host use relays; links are those that are blocked, relays the only way to
	// the node, if there are any.
	testbed bool
	links   *links
	relays  []peer.AddrInfo
	// circuits are the addresses at those relays.
	circuits []ma.Multiaddr
	// announce are addresses besides those that libp2p finds.
	announce       []ma.Multiaddr
	noPortMapping  bool
	noRelayService bool
	// secret is the key of a private network, nil for none.
	secret *protocol.Secret
	// What counts and leads the ways to a node that nobody can dial; nil where there are none.
	punches *punches
	service *relayCounter
	source  *relaySource
	mapping *portMapping
}

// relaysForOthers reports whether a host relays for others once everybody can dial it.
func (c *hostConfig) relaysForOthers() bool {
	return c.far() && len(c.relays) == 0 && !c.noRelayService
}

// far reports whether a host has to do with machines other than this one.
func (c *hostConfig) far() bool { return c.profile != ProfileLocal && !c.offline }

// newHost makes the libp2p host. It does not listen yet, so that nobody can knock before the
// protocols are there.
//
// The transports are TCP, QUIC and WebSocket; in a private network, whose key QUIC has no place
// for, TCP and WebSocket. A host that has to do with other machines takes all ways to be reached
// besides (see reachOptions), a local one none of them.
func newHost(c hostConfig) (host.Host, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(c.identity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	reporter, err := rcmgr.NewStatsTraceReporter()
	if err != nil {
		return nil, fmt.Errorf("resource manager's metrics: %w", err)
	}
	resources, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(c.profile.resourceLimits()), rcmgr.WithTraceReporter(reporter))
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	s := c.profile.sizes()
	conns, err := connmgr.NewConnManager(s.low, s.high, connmgr.WithGracePeriod(connGrace))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connection manager: %w", err), resources.Close())
	}
	options := []libp2p.Option{
		libp2p.NoListenAddrs, libp2p.Identity(key), libp2p.UserAgent("lf/" + c.version),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(websocket.New),
		libp2p.AddrsFactory(c.announced),
		libp2p.ConnectionGater(c.gater()),
		libp2p.ResourceManager(resources), libp2p.ConnectionManager(conns),
		libp2p.PrometheusRegisterer(c.registry), libp2p.BandwidthReporter(c.traffic),
		libp2p.WithDialTimeout(dialTimeout), libp2p.SwarmOpts(swarm.WithDialRanker(rankDials)),
	}
	if c.secret != nil {
		options = append(options, libp2p.PrivateNetwork(pnet.PSK(c.secret[:])))
	} else {
		options = append(options, libp2p.Transport(quic.NewTransport))
	}
	switch {
	case c.far() && len(c.relays) == 0:
		options = append(options, c.reachOptions()...)
	case c.testbed:
		options = append(options, libp2p.EnableRelay())
	default:
		options = append(options, libp2p.DisableRelay())
	}
	if !c.far() {
		options = append(options, libp2p.MultiaddrResolver(noNames{}), libp2p.ForceReachabilityPrivate(),
			libp2p.DisableIdentifyAddressDiscovery())
	}
	h, err := libp2p.New(options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("libp2p: %w", err), conns.Close(), resources.Close())
	}
	return h, nil
}

func (c *hostConfig) gater() *gater {
	g := &gater{profile: c.profile, offline: c.offline, links: c.links, shunned: c.shunned}
	if len(c.relays) > 0 {
		g.relays = map[peer.ID]bool{}
		for _, r := range c.relays {
			g.relays[r.ID] = true
		}
	}
	return g
}

// reachOptions are the ways in which others reach a host, and in which it helps others to be
// reached: it learns from them at which addresses it can be dialed (AutoNAT, both versions), asks
// the router for an open port, has relays keep a place for it while it cannot be dialed, turns
// relayed connections into direct ones (DCUtR), and relays for others once everybody can dial it.
func (c *hostConfig) reachOptions() []libp2p.Option {
	options := []libp2p.Option{
		libp2p.EnableRelay(), libp2p.EnableNATService(), libp2p.AutoNATServiceRateLimit(dialBacks, dialBacksPeer, dialBacksTime),
		libp2p.EnableAutoNATv2(),
		libp2p.EnableAutoRelayWithPeerSource(c.source.find, autorelay.WithNumRelays(wantedRelays), autorelay.WithMinCandidates(1),
			autorelay.WithBootDelay(0), autorelay.WithMinInterval(relaySearch), autorelay.WithBackoff(relayRefused)),
		libp2p.EnableHolePunching(holepunch.WithMetricsAndEventTracer(
			holepunch.NewMetricsTracer(holepunch.WithRegisterer(c.registry)), c.punches)),
	}
	// its operator says so; without, the first node of a network would wait for one that can tell
	if c.profile == ProfileServer {
		options = append(options, libp2p.ForceReachabilityPublic())
	}
	if c.profile == ProfileDefault && !c.noPortMapping {
		options = append(options, libp2p.NATManager(c.mapping.begin))
	}
	if !c.noRelayService {
		c.service.MetricsTracer = relay.NewMetricsTracer(relay.WithRegisterer(c.registry))
		options = append(options, libp2p.EnableRelayService(
			relay.WithResources(c.profile.relayResources()), relay.WithMetricsTracer(c.service)))
	}
	return options
}

// announced are the addresses that others are told, of those that libp2p knows.
func (c *hostConfig) announced(found []ma.Multiaddr) []ma.Multiaddr {
	if len(c.circuits) > 0 {
		return slices.Clone(c.circuits)
	}
	addrs := slices.Clone(found)
	// loopback is where others are themselves
	if c.far() && slices.ContainsFunc(addrs, isElsewhere) {
		addrs = slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { return !isElsewhere(a) })
	}
	if c.profile == ProfileServer { // nobody from outside gets anywhere by them
		addrs = slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { ip, isIP := ipOf(a); return isIP && !isPublic(ip) })
	}
	for _, a := range c.announce {
		if !ma.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

func isElsewhere(a ma.Multiaddr) bool {
	ip, isIP := ipOf(a)
	return !isIP || !ip.IsLoopback()
}

// listen makes the host reachable. Addresses that the user gave must all work; of the profile's
// own, those of IPv6 need not, as many machines have none. Where another process listens already,
// this one does not start.
func listen(ctx context.Context, h host.Host, p Profile, given []string, private bool) error {
	texts := given
	if len(given) == 0 {
		texts = p.listen(private)
	}
	var addrs []ma.Multiaddr
	for _, s := range texts {
		addr, err := parseListen(s, p)
		if err != nil {
			return err
		}
		addrs = append(addrs, addr)
	}
	release, err := claimPorts(ctx, addrs)
	if err != nil {
		return err
	}
	defer release()
	swarm, ok := h.Network().(interface{ AddListenAddr(a ma.Multiaddr) error })
	if !ok {
		return fmt.Errorf("libp2p's network is a %T, which cannot listen", h.Network())
	}
	for _, addr := range addrs {
		err = swarm.AddListenAddr(addr)
		if len(given) == 0 && isIP6(addr) && !errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return listenError(addr.String(), err)
		}
	}
	return nil
}

func parseListen(s string, p Profile) (ma.Multiaddr, error) {
	addr, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fmt.Errorf("listen address %q is not a multiaddr, such as /ip4/0.0.0.0/tcp/%d: %w", s, Port, err)
	}
	if p == ProfileLocal {
		if err := p.checkAddress(addr); err != nil {
			return nil, err
		}
	}
	return addr, nil
}

func isIP6(addr ma.Multiaddr) bool {
	ip, ok := ipOf(addr)
	return ok && ip.Is6()
}

// listenError says in one line why an address cannot be listened on.
func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %s: another program uses that port (another node?); stop it, or choose another port with --listen", addr)
	}
	return fmt.Errorf("cannot listen on %s: %s", addr, strings.Join(strings.Fields(err.Error()), " "))
}
