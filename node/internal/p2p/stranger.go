package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// NewStranger makes a host with a throw-away identity. It dials what a host of this configuration
// may dial, and does nothing else.
func (h *Host) NewStranger() (host.Host, error) {
	options := []libp2p.Option{
		libp2p.NoListenAddrs, libp2p.RandomIdentity, libp2p.UserAgent("lf/" + h.config.Version), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.WithDialTimeout(DialTimeout),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), libp2p.Transport(websocket.New),
		libp2p.ConnectionGater(&gater{profile: h.config.Profile, offline: h.config.Offline, links: h.testbed.links()}),
		libp2p.ForceReachabilityPrivate(), libp2p.DisableIdentifyAddressDiscovery(),
	}
	if h.config.Secret != nil {
		options = append(options, libp2p.PrivateNetwork(pnet.PSK(h.config.Secret[:])))
	} else {
		options = append(options, libp2p.Transport(quic.NewTransport))
	}
	if !h.leavesMachine() {
		options = append(options, libp2p.MultiaddrResolver(noNames{}))
	}
	stranger, err := libp2p.New(options...)
	if err != nil {
		return nil, fmt.Errorf("libp2p: %w", err)
	}
	return stranger, nil
}
