package p2p

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gater enforces the profile on every connection. It does not matter what asked for it: a seed
// list, the DHT, or a peer that announces a foreign address.
type gater struct {
	profile Profile
	offline bool
	// links are a testbed's; nil: none is blocked.
	links *blockedLinks
	// bans are the peers that did not behave; nil: nobody.
	bans *bans
	// refused are the peers that the user has parted from; nil: nobody.
	refused *bans
	// relays are the only peers to be dialed directly; none: everybody may be.
	relays map[peer.ID]bool
}

// allow reports whether a peer is neither banned nor refused by hand.
func (g *gater) allow(p peer.ID) bool { return g.bans.allow(p) && g.refused.allow(p) }

// InterceptPeerDial lets nobody be dialed while offline.
func (g *gater) InterceptPeerDial(p peer.ID) bool {
	return !g.offline && g.links.allow(p, network.DirOutbound) && g.allow(p)
}

// InterceptAddrDial sees an address after its names were resolved. What is no IP address by then
// did not resolve, or needs a transport that this node lacks.
func (g *gater) InterceptAddrDial(p peer.ID, addr ma.Multiaddr) bool {
	_, isIP := IPOf(addr)
	return !g.offline && isIP && g.profile.checkAddress(addr) == nil && (g.relays == nil || g.relays[p] || IsCircuit(addr))
}

// InterceptAccept refuses, with the profile local, what does not come from this machine. The other
// profiles accept every peer that can reach them.
func (g *gater) InterceptAccept(addrs network.ConnMultiaddrs) bool {
	return !g.offline && (g.profile != ProfileLocal || g.profile.checkAddress(addrs.RemoteMultiaddr()) == nil)
}

// InterceptSecured is the first to know whose connection it is that somebody else opened.
func (g *gater) InterceptSecured(d network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return g.links.allow(p, d) && g.allow(p)
}

// InterceptUpgraded looks again at who was dropped while the connection was being made.
func (g *gater) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	return g.allow(c.RemotePeer()), 0
}

// noNames resolves nothing: a node that may not leave its machine does not ask name servers either.
type noNames struct{}

var errNoNames = errors.New("names are not resolved with the profile local or offline")

// ResolveDNSAddr implements network.MultiaddrDNSResolver.
func (noNames) ResolveDNSAddr(context.Context, peer.ID, ma.Multiaddr, int, int) ([]ma.Multiaddr, error) {
	return nil, errNoNames
}

// ResolveDNSComponent implements network.MultiaddrDNSResolver.
func (noNames) ResolveDNSComponent(context.Context, ma.Multiaddr, int) ([]ma.Multiaddr, error) {
	return nil, errNoNames
}
