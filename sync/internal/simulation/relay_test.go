package simulation

import (
	"context"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

// relayTransport makes connections that libp2p takes for relayed ones, where one end is reached
// through a relay only. Gossip does not use them.
type relayTransport struct {
	transport.Transport
	relayed func(other int) bool
}

// Dial implements transport.Transport.
func (t *relayTransport) Dial(ctx context.Context, to ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	c, err := t.Transport.Dial(ctx, to, p)
	return t.mark(c, err)
}

// Listen implements transport.Transport.
func (t *relayTransport) Listen(at ma.Multiaddr) (transport.Listener, error) {
	l, err := t.Transport.Listen(at)
	return &relayListener{l, t}, err
}

func (t *relayTransport) mark(c transport.CapableConn, err error) (transport.CapableConn, error) {
	if err != nil {
		return nil, err
	}
	ip, err := c.RemoteMultiaddr().ValueForProtocol(ma.P_IP4)
	if err == nil && t.relayed(indexOf(&net.UDPAddr{IP: net.ParseIP(ip)})) {
		return relayedConn{c}, nil
	}
	return c, err
}

type relayListener struct {
	transport.Listener
	t *relayTransport
}

// Accept implements transport.Listener.
func (l *relayListener) Accept() (transport.CapableConn, error) {
	c, err := l.Listener.Accept()
	return l.t.mark(c, err)
}

// relayedConn says of itself that it is relayed.
type relayedConn struct{ transport.CapableConn }

// Stat implements network.ConnStat.
func (relayedConn) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Limited: true}}
}
