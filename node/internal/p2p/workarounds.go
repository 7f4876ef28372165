package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// clearBackoff makes the caller's back-off the only one: the swarm's own would refuse dials that
// are due.
func clearBackoff(h host.Host, p peer.ID) {
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
}

// seekRelaysNow has libp2p look for relays at once. It waits otherwise until others have found that
// this node cannot be dialed, some 20 seconds, and a node that turns out to be public gives its
// places at relays back.
func seekRelaysNow(h host.Host) error {
	emitter, err := h.EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	if err != nil {
		return fmt.Errorf("look for relays: %w", err)
	}
	defer emitter.Close()
	if err := emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityUnknown}); err != nil {
		return fmt.Errorf("look for relays: %w", err)
	}
	return nil
}
