package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// clearBackoff makes the caller's back-off the only one. The swarm has a back-off of its own, which
// cannot be switched off and would refuse dials that are due.
func clearBackoff(h host.Host, p peer.ID) {
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
}

// seekRelaysNow has libp2p look for relays at once. Otherwise libp2p waits until others have found
// that this node cannot be dialed, for about 20 seconds. So this emits the event that libp2p emits
// then, with what is known at that moment: nothing. A node that turns out to be public gives its
// reservations back.
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
