package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
)

// PeerExchangeHost is the host as GossipSub has it. GossipSub dials only peers that others name: a
// seed whose mesh is full names others that may have room (peer exchange). The seed may have been
// taken over since the user named it, and the peers that it names may all belong to one person. So
// such peers fill only the room that is empty, and no faster than a correct seed names them. As for
// every dial, the gater decides at last; here, addresses that the profile forbids are not even
// remembered.
type PeerExchangeHost struct {
	host.Host
	allow func(peer.AddrInfo) peer.AddrInfo // keeps the addresses that may be dialed
	clone *clone.Detector                   // is told of addresses for this node's own ID
	pace  *rate.Limiter
}

var (
	errEnoughPeers = errors.New("this node has enough peers")
	errTooMany     = errors.New("too many peers were named")
	errNoWay       = errors.New("no address that this node may dial")
)

// NewPeerExchangeHost shows the node's host to GossipSub.
func NewPeerExchangeHost(c Config) *PeerExchangeHost {
	return newPeerExchangeHost(c.Host.Host, c.Host.DialableInfo, c.Clone)
}

func newPeerExchangeHost(h host.Host, allow func(peer.AddrInfo) peer.AddrInfo, d *clone.Detector) *PeerExchangeHost {
	return &PeerExchangeHost{h, allow, d, rate.NewLimiter(rate.Every(time.Minute/exchangeDials), exchangeDials)}
}

// Connect dials a peer that was named, if there is use for it.
func (e *PeerExchangeHost) Connect(ctx context.Context, at peer.AddrInfo) error {
	at = e.allow(at)
	at.Addrs = at.Addrs[:min(len(at.Addrs), maxNamedAddrs)]
	if at.ID == e.ID() {
		e.clone.Offer(clone.Exchange, at.Addrs)
	}
	switch {
	case at.ID == e.ID() || len(at.Addrs) == 0:
		return errNoWay
	case len(e.Network().Peers()) >= enoughExchanged:
		return errEnoughPeers
	case !e.pace.Allow():
		return errTooMany
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "peer exchange"), p2p.DialTimeout)
	defer cancel()
	if err := e.Host.Connect(ctx, at); err != nil {
		return fmt.Errorf("dial a peer that was named: %w", err)
	}
	return nil
}
