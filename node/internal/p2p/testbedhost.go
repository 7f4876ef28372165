package p2p

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// Testbed is what a testbed changes about a host. Its links can be blocked, and it may use
// relays although it does not leave its machine.
type Testbed struct {
	// RelayService has the host relay for others, whether or not it can be reached from the
	// Internet.
	RelayService bool
	// RelayOnly are multiaddrs of relays, peer ID included. If there are any, they are the only way
	// to the host: it listens nowhere and dials nobody else directly.
	RelayOnly []string
}

// testbedHost is the part of a host that only a testbed needs. All that a host does for testbeds is
// here. A nil one changes nothing.
type testbedHost struct {
	blocked      *blockedLinks
	relays       []peer.AddrInfo
	circuits     []ma.Multiaddr // the addresses at those relays
	relayService bool
	reserver     *relayReserver // nil without relays
	stop         []func() error
}

func newTestbedHost(c *Testbed, p Profile) (t *testbedHost, err error) {
	if c == nil {
		return nil, nil
	}
	t = &testbedHost{blocked: new(blockedLinks), relayService: c.RelayService}
	if t.relays, err = ParseSeeds(c.RelayOnly, "", p); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	t.circuits, err = circuitsOf(t.relays)
	return t, err
}

// start ends blocked connections from now on, and begins to relay.
func (t *testbedHost) start(h *Host) error {
	if t == nil {
		return nil
	}
	if t.behindRelay() {
		t.reserver = newRelayReserver(h, t.relays)
	}
	unwatch := t.blocked.watch(h.Network())
	t.stop = append(t.stop, func() error { unwatch(); return nil })
	if !t.relayService {
		return nil
	}
	h.relaying.MetricsTracer = relay.NewMetricsTracer(relay.WithRegisterer(h.config.Registry))
	r := relay.DefaultResources()
	r.MaxReservationsPerIP = r.MaxReservations // the nodes of a testbed may all have one address
	service, err := relay.New(h.Host, relay.WithResources(r), relay.WithMetricsTracer(h.relaying))
	if err != nil {
		return fmt.Errorf("relay service: %w", err)
	}
	t.stop = append(t.stop, service.Close)
	return nil
}

func (t *testbedHost) close() error {
	if t == nil {
		return nil
	}
	var failed []error
	for i := len(t.stop) - 1; i >= 0; i-- {
		failed = append(failed, t.stop[i]())
	}
	return errors.Join(failed...)
}

func (t *testbedHost) links() *blockedLinks {
	if t == nil {
		return nil
	}
	return t.blocked
}

func (t *testbedHost) isRelay() bool { return t != nil && t.relayService }

// behindRelay reports whether relays are the only way to the host.
func (t *testbedHost) behindRelay() bool { return t != nil && len(t.relays) > 0 }

// onlyDialed are the only peers that the host may dial directly; nil: it may dial everybody.
func (t *testbedHost) onlyDialed() map[peer.ID]bool {
	if !t.behindRelay() {
		return nil
	}
	only := map[peer.ID]bool{}
	for _, r := range t.relays {
		only[r.ID] = true
	}
	return only
}

// run keeps the reservations at the relays.
func (t *testbedHost) run(ctx context.Context) error {
	if t == nil || t.reserver == nil {
		return nil
	}
	return t.reserver.run(ctx)
}

// reservations are the relays at which the host has a reservation now.
func (t *testbedHost) reservations() []peer.ID {
	if t == nil || t.reserver == nil {
		return nil
	}
	return t.reserver.active()
}

// SetBlocked replaces the peers whose connections are refused, by who opens them. Existing
// connections with them end. It is for hosts of a testbed alone.
func (h *Host) SetBlocked(in, out map[peer.ID]bool) {
	h.testbed.blocked.block(h.Network(), in, out)
}

// RefusedLinks counts the connections that were refused because their link is blocked. It is for
// hosts of a testbed alone.
func (h *Host) RefusedLinks() int { return int(h.testbed.blocked.refused.Load()) }

const circuit = "/p2p-circuit"

// circuitsOf are the addresses at which a node is reached through relays.
func circuitsOf(relays []peer.AddrInfo) (addrs []ma.Multiaddr, err error) {
	for i := range relays {
		full, err := peer.AddrInfoToP2pAddrs(&relays[i])
		if err != nil {
			return nil, fmt.Errorf("relay %s: %w", relays[i].ID, err)
		}
		for _, a := range full {
			addrs = append(addrs, a.Encapsulate(ma.StringCast(circuit)))
		}
	}
	return addrs, nil
}
