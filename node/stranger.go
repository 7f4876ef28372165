package node

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/internal/clone"
)

// banAfterQuestion is how long a peer is refused that asked for the node's nonce as no correct one
// does.
const banAfterQuestion = time.Minute

// startClone looks for another node with this one's identity. Seeds with the node's own ID are
// where a copied home is noticed first.
func (n *Node) startCloneDetector() error {
	own, err := ownSeeds(n.config.Seeds, n.host.ID(), n.config.Profile)
	if err != nil {
		return err
	}
	n.clone = clone.New(clone.Config{
		Network: n.config.Network, Host: n.host, Key: n.identity, Stranger: n.stranger, Logger: n.config.Logger,
		Violation: func(p peer.ID, err error) {
			n.config.Logger.Info("a peer did not behave, and is refused for a while", "peer", p, "violation", err, "for", banAfterQuestion)
			n.shunned.add(n.host.Network(), p, banAfterQuestion)
		},
	})
	n.closing.add("clones", n.clone.Close)
	n.clone.Offer(clone.Seeds, own)
	n.instruments.clone = n.clone
	return nil
}

// ownSeeds are the addresses among the seeds that are given for the node's own ID, as far as the
// node may dial them.
func ownSeeds(list []string, self peer.ID, p Profile) (own []ma.Multiaddr, err error) {
	for _, s := range list {
		where, id, err := splitSeed(s)
		if err != nil {
			return nil, err
		}
		if id == self && p.checkAddress(where) == nil {
			own = append(own, where)
		}
	}
	return own, nil
}

// newStranger makes a host with a throw-away identity. It dials what a host of this configuration
// may dial, and does nothing else.
func (c *hostConfig) newStranger() (host.Host, error) {
	options := []libp2p.Option{
		libp2p.NoListenAddrs, libp2p.RandomIdentity, libp2p.UserAgent("lf/" + c.version), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.WithDialTimeout(dialTimeout),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), libp2p.Transport(websocket.New),
		libp2p.ConnectionGater(&gater{profile: c.profile, offline: c.offline, links: c.links}),
		libp2p.ForceReachabilityPrivate(), libp2p.DisableIdentifyAddressDiscovery(),
	}
	if c.secret != nil {
		options = append(options, libp2p.PrivateNetwork(pnet.PSK(c.secret[:])))
	} else {
		options = append(options, libp2p.Transport(quic.NewTransport))
	}
	if !c.far() {
		options = append(options, libp2p.MultiaddrResolver(noNames{}))
	}
	h, err := libp2p.New(options...)
	if err != nil {
		return nil, fmt.Errorf("libp2p: %w", err)
	}
	return h, nil
}
