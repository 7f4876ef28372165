package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/protocol"
)

const (
	// neighborQueue bounds the neighbors that wait to be dialed: whoever is on the LAN can shout any number of names.
	neighborQueue = 64
	// neighborsAtOnce bounds the dials among them.
	neighborsAtOnce = 4
	// settle is how long addresses must stay as they are before neighbors are told of them.
	settle = 2 * time.Second
)

// serviceName is what nodes of a network call themselves on the LAN (RFC 6763 allows 15 letters): it tells those who listen there
// that it is a node of LF, and those who know the network's ID of which network.
func serviceName(n *protocol.Network) string {
	id := n.ID()
	hash := sha256.Sum256(append([]byte("lf/mdns/1"), id[:]...))
	return "_lf-" + hex.EncodeToString(hash[:4]) + "._udp"
}

// neighbors finds nodes of the network on the local one, by multicast DNS, and dials them: they need no server, no seed and no
// way to the Internet.
type neighbors struct {
	host   host.Host
	name   string
	allow  func(peer.AddrInfo) peer.AddrInfo
	log    *slog.Logger
	found  chan peer.AddrInfo
	events event.Subscription
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func newNeighbors(h host.Host, name string, allow func(peer.AddrInfo) peer.AddrInfo, log *slog.Logger) (*neighbors, error) {
	events, err := h.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		return nil, fmt.Errorf("neighbors: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &neighbors{host: h, name: name, allow: allow, log: log, found: make(chan peer.AddrInfo, neighborQueue), events: events, cancel: cancel}
	n.done.Go(func() { n.announce(ctx) })
	for range neighborsAtOnce {
		n.done.Go(func() { n.dial(ctx) })
	}
	return n, nil
}

// Close ends the announcements and the dials that are under way.
func (n *neighbors) Close() error {
	n.cancel()
	err := n.events.Close()
	n.done.Wait()
	if err != nil {
		return fmt.Errorf("neighbors: %w", err)
	}
	return nil
}

// announce tells the LAN of this node, anew when its addresses have changed, and listens for others.
func (n *neighbors) announce(ctx context.Context) {
	for ctx.Err() == nil {
		service := mdns.NewMdnsService(n.host, n.name, n)
		if err := service.Start(); err != nil { // no interface that is up, or none for multicast
			n.log.Debug("nothing is announced on the local network", "error", err)
		}
		n.waitForChange(ctx)
		if err := service.Close(); err != nil {
			n.log.Debug("the announcement on the local network did not end well", "error", err)
		}
	}
}

// waitForChange waits until addresses have changed and stay.
func (n *neighbors) waitForChange(ctx context.Context) {
	was := n.addresses()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-n.events.Out():
		}
		sleep(ctx, settle)
		if n.addresses() != was {
			return
		}
	}
}

func (n *neighbors) addresses() (text string) {
	addrs, err := n.host.Network().InterfaceListenAddresses()
	if err != nil {
		return ""
	}
	for _, a := range ma.Unique(addrs) {
		text += a.String() + " "
	}
	return text
}

// HandlePeerFound implements mdns.Notifee. Who is found while many wait is found again later.
func (n *neighbors) HandlePeerFound(p peer.AddrInfo) {
	select {
	case n.found <- p:
	default:
	}
}

func (n *neighbors) dial(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-n.found:
			n.connect(ctx, n.allow(p))
		}
	}
}

// connect dials a neighbor that is not connected directly yet: one that was reached through a relay first has a shorter way.
func (n *neighbors) connect(ctx context.Context, p peer.AddrInfo) {
	if p.ID == n.host.ID() || len(p.Addrs) == 0 || n.host.Network().Connectedness(p.ID) == network.Connected {
		return
	}
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "a neighbor"), dialTimeout)
	defer cancel()
	if err := n.host.Connect(ctx, p); err != nil {
		n.log.Debug("a neighbor did not answer", "peer", p.ID, "error", err)
		return
	}
	n.log.Info("found a node on the local network", "peer", p.ID)
}
