package node

import (
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
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
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
	// testbed lets the host use relays; links are those that are blocked, relays the only way to the node, if there are any.
	testbed bool
	links   *links
	relays  []peer.AddrInfo
}

// newHost makes the libp2p host. It does not listen yet, so that nobody can knock before the protocols are there.
//
// The transports are TCP and QUIC. Off are all parts that would dial strangers or open ports by themselves (UPnP, relays,
// hole punching, AutoNAT's service); they belong to the reach of a node and come with it.
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
		libp2p.NoListenAddrs, libp2p.DisableRelay(),
		libp2p.Identity(key), libp2p.UserAgent("lf/" + c.version),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(quic.NewTransport),
		libp2p.ConnectionGater(c.gater()),
		libp2p.ResourceManager(resources), libp2p.ConnectionManager(conns),
		libp2p.PrometheusRegisterer(c.registry), libp2p.BandwidthReporter(c.traffic),
		libp2p.WithDialTimeout(dialTimeout),
	}
	if c.profile == ProfileLocal || c.offline {
		options = append(options, libp2p.MultiaddrResolver(noNames{}), libp2p.ForceReachabilityPrivate(),
			libp2p.DisableIdentifyAddressDiscovery())
	}
	if c.testbed {
		circuits, err := circuitsOf(c.relays)
		if err != nil {
			return nil, errors.Join(err, conns.Close(), resources.Close())
		}
		options = append(options, testbedOptions(circuits)...)
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

// testbedOptions let a host dial and be dialed through relays; where it has some of its own, it is announced there only.
func testbedOptions(circuits []ma.Multiaddr) []libp2p.Option {
	options := []libp2p.Option{libp2p.EnableRelay()}
	if len(circuits) > 0 {
		options = append(options, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return slices.Clone(circuits) }))
	}
	return options
}

// listen makes the host reachable. Addresses that the user gave must all work; of the profile's own, those of IPv6 need
// not, as many machines have none.
func listen(h host.Host, p Profile, given []string) error {
	addrs := given
	if len(given) == 0 {
		addrs = p.listen()
	}
	swarm, ok := h.Network().(interface{ AddListenAddr(a ma.Multiaddr) error })
	if !ok {
		return fmt.Errorf("libp2p's network is a %T, which cannot listen", h.Network())
	}
	for _, s := range addrs {
		addr, err := parseListen(s, p)
		if err != nil {
			return err
		}
		err = swarm.AddListenAddr(addr)
		if len(given) == 0 && isIP6(addr) && !errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return listenError(s, err)
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
		return fmt.Errorf("cannot listen on %s: another program uses that port; choose another one with --listen", addr)
	}
	return fmt.Errorf("cannot listen on %s: %s", addr, strings.Join(strings.Fields(err.Error()), " "))
}
