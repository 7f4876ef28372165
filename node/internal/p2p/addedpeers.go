package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/lf-store/lf/internal/supervisor"
)

const (
	// addedTag protects peers that were added by hand in the connection manager.
	addedTag = "lf-added"
	// MaxAdded bounds the peers that are added by hand: the node dials each of them without limit.
	MaxAdded = 64
	// protocolsGrace is how long a peer may take to say that it is of this network. It says so with
	// its first message, unless it has just started.
	protocolsGrace = 2 * time.Second
)

// Why a peer cannot be added.
var (
	// ErrTooManyAdded says that MaxAdded peers were added.
	ErrTooManyAdded = fmt.Errorf("%d peers were added by hand, and there can be no more", MaxAdded)
	// ErrOtherNetwork says that a peer answers and does not speak the network's protocols.
	ErrOtherNetwork = errors.New("it answers, and is no node of this network")
	// ErrEndedAtOnce says that a peer ended a connection before it said what it is.
	ErrEndedAtOnce = errors.New("it ended the connection at once: it may be full, or refuse this node")
	// ErrConnectorEnded says that the node is closing.
	ErrConnectorEnded = errors.New("the node is closing")
)

// BannedError says until when a peer is refused that broke the protocol.
type BannedError struct{ Until time.Time }

func (e *BannedError) Error() string {
	left := max(time.Until(e.Until).Round(time.Second), time.Second)
	return fmt.Sprintf("it broke the protocol and is banned for another %s", left)
}

// refusedError says until when a peer is refused because the user has parted from it.
type refusedError struct{ until time.Time }

func (e *refusedError) Error() string {
	return "refused until " + e.until.Local().Format(time.DateTime) + ", by hand"
}

// ParsePeer reads multiaddrs of one peer, each with the peer ID at its end.
func ParsePeer(list []string, self peer.ID, p Profile) (at peer.AddrInfo, err error) {
	for _, s := range list {
		where, id, err := splitPeerAddress(s)
		if err != nil {
			return at, fmt.Errorf("%q %w", s, err)
		}
		switch {
		case id == self:
			return at, fmt.Errorf("%q is this node itself: give the address of another one", s)
		case at.ID != "" && at.ID != id:
			return at, fmt.Errorf("these are addresses of two peers, %s and %s: add one after the other", at.ID, id)
		}
		if err := p.checkAddress(where); err != nil {
			return at, err
		}
		at.ID = id
		at.Addrs = append(at.Addrs, where)
	}
	return at, nil
}

// Connect dials a peer, and has the connector stay connected to it. ctx bounds the dial.
func (k *Connector) Connect(ctx context.Context, at peer.AddrInfo) error {
	if until := k.host.bans.end(at.ID); time.Now().Before(until) {
		return &BannedError{until}
	}
	if k.isFull(at.ID) {
		return ErrTooManyAdded
	}
	k.host.refused.lift(at.ID)
	if err := k.meet(ctx, at); err != nil {
		return err
	}
	return k.do(func() { k.keep(at) })
}

// meet connects to a peer, if it is not connected, and makes sure that it is of this network. A
// connection alone says little: a peer that is full, or refuses this node, ends it after the
// handshake.
func (k *Connector) meet(ctx context.Context, at peer.AddrInfo) error {
	before := k.host.Network().Connectedness(at.ID) != network.NotConnected
	if err := k.dial(ctx, at); err != nil {
		return err
	}
	if err := k.host.pingOnce(ctx, at.ID); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k.log.Debug("a peer that was added by hand does not answer", "peer", at.ID, "error", err)
		return ErrEndedAtOnce
	}
	if err := k.host.awaitProtocols(ctx, at.ID); err != nil {
		if !before && errors.Is(err, ErrOtherNetwork) {
			_ = k.host.Network().ClosePeer(at.ID) // it may be gone already
		}
		return err
	}
	return nil
}

// pingOnce returns when a connected peer has answered. A peer that has no room for another ping has
// answered, too. This node may have none for a moment: whoever connects is pinged for other reasons
// as well, and libp2p allows four pings a peer at a time, both ways together.
func (h *Host) pingOnce(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(network.WithNoDial(ctx, "ping"), "ping"), pingTimeout)
	defer cancel()
	for {
		result := <-ping.Ping(ctx, h, p)
		var refused *network.StreamError
		if errors.As(result.Error, &refused) && refused.Remote {
			return nil
		}
		if !errors.Is(result.Error, network.ErrResourceLimitExceeded) || supervisor.Sleep(ctx, pingAgain) != nil {
			return result.Error
		}
	}
}

// awaitProtocols waits until a connected peer has said what it speaks, and returns ErrOtherNetwork
// if that is another network. A peer that has just started says so bit by bit.
func (h *Host) awaitProtocols(ctx context.Context, p peer.ID) error {
	said, err := h.EventBus().Subscribe([]any{new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated)})
	if err != nil {
		return fmt.Errorf("wait for the peer's protocols: %w", err)
	}
	defer said.Close()
	grace := time.NewTimer(protocolsGrace)
	defer grace.Stop()
	for !h.Speaks(p) {
		select {
		case <-said.Out():
		case <-grace.C:
			return ErrOtherNetwork
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (k *Connector) isFull(p peer.ID) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, known := k.added[p]
	return !known && len(k.added) >= MaxAdded
}

// keep notes a peer as added by hand.
func (k *Connector) keep(at peer.AddrInfo) {
	k.host.ConnManager().Protect(at.ID, addedTag)
	k.host.Peerstore().AddAddrs(at.ID, at.Addrs, peerstore.PermanentAddrTTL)
	k.mu.Lock()
	k.added[at.ID] = at
	k.mu.Unlock()
	state := k.host.Network().Connectedness(at.ID)
	k.redialer.keep(at.ID, time.Now(), state != network.NotConnected, state == network.Limited)
}

// Disconnect ends the connections with a peer and refuses new ones for a while. The connector no
// longer stays connected to it, unless it is a seed. It returns how many connections there were,
// and whether the peer had been added by hand.
func (k *Connector) Disconnect(p peer.ID, refuse time.Duration) (conns int, added bool, err error) {
	conns = len(k.host.Network().ConnsToPeer(p))
	k.host.refused.refuse(p, time.Now().Add(refuse))
	err = k.do(func() { added = k.drop(p) })
	if added {
		k.host.ConnManager().Unprotect(p, addedTag)
	}
	return conns, added, errors.Join(err, k.host.Network().ClosePeer(p))
}

func (k *Connector) drop(p peer.ID) (added bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, added = k.added[p]
	delete(k.added, p)
	delete(k.problems, p)
	delete(k.lost, p)
	if !k.IsSeed(p) {
		k.redialer.remove(p)
		k.host.Peerstore().UpdateAddrs(p, peerstore.PermanentAddrTTL, peerstore.TempAddrTTL)
	}
	return added
}

// IsAdded reports whether a peer was added by hand.
func (k *Connector) IsAdded(p peer.ID) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.added[p]
	return ok
}

// Added are the peers that were added by hand, sorted by their IDs.
func (k *Connector) Added() []peer.AddrInfo {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]peer.AddrInfo, 0, len(k.added))
	for _, at := range k.added {
		list = append(list, at)
	}
	slices.SortFunc(list, func(a, b peer.AddrInfo) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return list
}
