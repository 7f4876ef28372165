package discovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
)

const (
	// neighborQueue bounds the neighbors that wait to be dialed: any machine on the LAN can
	// announce any number of names.
	neighborQueue = 64
	// neighborsAtOnce bounds the dials among them.
	neighborsAtOnce = 4
)

// serviceName is what nodes of a network call themselves on the LAN (RFC 6763 allows 15 letters).
// It tells every listener that this is a node of LF. Only nodes that know the network's ID can tell
// which network.
func serviceName(n *protocol.Network) string {
	id := n.ID()
	hash := sha256.Sum256(append([]byte("lf/mdns/1"), id[:]...))
	return "_lf-" + hex.EncodeToString(hash[:4]) + "._udp"
}

// Neighbors finds nodes of the network on the LAN, by multicast DNS, and dials them. They need no
// server, no seed and no Internet.
type Neighbors struct {
	host  host.Host
	name  string
	allow func(peer.AddrInfo) peer.AddrInfo
	clone *clone.Detector // is told of addresses for this node's own ID
	log   *slog.Logger
	found chan peer.AddrInfo
	// failing is why this node is not announced now; nil: it is.
	failing atomic.Pointer[string]
}

// NewNeighbors makes what finds neighbors while Run runs.
func NewNeighbors(c Config) *Neighbors {
	return &Neighbors{
		host: c.Host.Host, name: serviceName(c.Network), allow: c.Host.DialableInfo, clone: c.Clone, log: c.Logger,
		found: make(chan peer.AddrInfo, neighborQueue),
	}
}

// Problem says why the node is not announced on the local network, "" if it is. A nil one has none.
func (n *Neighbors) Problem() string {
	if n == nil {
		return ""
	}
	if p := n.failing.Load(); p != nil {
		return *p
	}
	return ""
}

// Run announces the node and dials its neighbors until its context ends.
func (n *Neighbors) Run(ctx context.Context) error {
	parts := []func(context.Context) error{n.announce}
	for range neighborsAtOnce {
		parts = append(parts, n.dial)
	}
	return supervisor.Run(ctx, parts...)
}

// announce tells the LAN of this node, again when its addresses have changed, and listens for
// others.
func (n *Neighbors) announce(ctx context.Context) error {
	for ctx.Err() == nil {
		here := &currentHost{Host: n.host}
		service := mdns.NewMdnsService(here, n.name, n)
		n.failing.Store(nil)
		if err := service.Start(); err != nil { // no interface that is up, or none for multicast
			why := p2p.OneLine(err.Error())
			n.failing.Store(&why)
			n.log.Debug("nothing is announced on the local network", "error", err)
		}
		here.announced.Store(true)
		n.waitForChange(ctx)
		if err := service.Close(); err != nil {
			n.log.Debug("the announcement on the local network did not end well", "error", err)
		}
	}
	return ctx.Err()
}

// waitForChange waits until addresses have changed and stay.
func (n *Neighbors) waitForChange(ctx context.Context) {
	was, _ := n.addresses()
	for last := was; ctx.Err() == nil; {
		_ = supervisor.Sleep(ctx, p2p.LookAround)
		now, known := n.addresses()
		if !known { // for want of file descriptors most likely
			continue
		}
		if now != was && now == last {
			return
		}
		last = now
	}
}

// addresses are those that the LAN is told, in one text. They are not known where the system does
// not tell.
func (n *Neighbors) addresses() (text string, known bool) {
	addrs, err := currentNetwork{n.host.Network()}.InterfaceListenAddresses()
	if err != nil {
		return "", false
	}
	for _, a := range ma.Unique(addrs) {
		text += a.String() + " "
	}
	return text, true
}

// currentHost is a host that knows at which addresses it listens now. libp2p's own remembers for a
// minute where it was.
type currentHost struct {
	host.Host
	announced atomic.Bool
}

// ID is the node's until the node is announced. From then on it is nobody's. libp2p's service
// leaves out what is announced under it, so the node would not hear of another one with its
// identity.
func (h *currentHost) ID() peer.ID {
	if h.announced.Load() {
		return ""
	}
	return h.Host.ID()
}

// Network returns a network that knows it.
func (h *currentHost) Network() network.Network { return currentNetwork{h.Host.Network()} }

type currentNetwork struct{ network.Network }

// InterfaceListenAddresses asks the machine for its interfaces.
func (n currentNetwork) InterfaceListenAddresses() ([]ma.Multiaddr, error) {
	return manet.ResolveUnspecifiedAddresses(n.ListenAddresses(), nil)
}

// HandlePeerFound implements mdns.Notifee. A peer that is found while many wait is found again
// later.
func (n *Neighbors) HandlePeerFound(p peer.AddrInfo) {
	select {
	case n.found <- p:
	default:
	}
}

func (n *Neighbors) dial(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-n.found:
			n.connect(ctx, n.allow(p))
		}
	}
}

// connect dials a neighbor that is not connected directly yet: one that was reached through a relay
// first has a shorter way.
func (n *Neighbors) connect(ctx context.Context, p peer.AddrInfo) {
	if p.ID == n.host.ID() {
		n.clone.Offer(clone.LocalNetwork, p.Addrs)
	}
	if p.ID == n.host.ID() || len(p.Addrs) == 0 || n.host.Network().Connectedness(p.ID) == network.Connected {
		return
	}
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "a neighbor"), p2p.DialTimeout)
	defer cancel()
	if err := n.host.Connect(ctx, p); err != nil {
		n.log.Debug("a neighbor did not answer", "peer", p.ID, "error", err)
		return
	}
	n.log.Info("found a node on the local network", "peer", p.ID)
}
