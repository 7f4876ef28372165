package p2p

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// reach watches how others can reach this node. libp2p finds it out from peers that dial the node
// back (AutoNAT), from the addresses at which they see it, and from relays.
type reach struct {
	host    host.Host
	events  event.Subscription
	mu      sync.Mutex
	known   reachFacts
	done    sync.WaitGroup
	changed func(reachFacts) // called after each change, on the watcher's goroutine
}

// reachFacts is what is known of how others reach this node.
type reachFacts struct {
	// Reachability is what those say who tried to dial this node: public, private, or unknown.
	Reachability string
	// Addresses are the public addresses by what dialing back has shown: reachable, unreachable, or
	// unknown.
	Addresses map[string][]ma.Multiaddr
	// NAT tells by transport, tcp and udp, what kind of NAT is in front: endpoint-independent,
	// endpoint-dependent; none of it: unknown.
	NAT map[string]string
	// Relays are the addresses of this node at relays.
	Relays []ma.Multiaddr
}

// The states of addresses.
const (
	addressReached   = "reachable"
	addressUnreached = "unreachable"
	addressUnknown   = "unknown"
)

// newReach watches a host until it is closed.
func newReach(h host.Host, changed func(reachFacts)) (*reach, error) {
	events, err := h.EventBus().Subscribe([]any{
		new(event.EvtLocalReachabilityChanged), new(event.EvtHostReachableAddrsChanged), new(event.EvtNATDeviceTypeChanged),
		new(event.EvtAutoRelayAddrsUpdated),
	})
	if err != nil {
		return nil, fmt.Errorf("watch the reachability: %w", err)
	}
	r := &reach{host: h, events: events, changed: changed,
		known: reachFacts{Reachability: api.ReachUnknown, Addresses: map[string][]ma.Multiaddr{}, NAT: map[string]string{}}}
	r.done.Go(r.run)
	return r, nil
}

// Close ends the watching.
func (r *reach) Close() error {
	err := r.events.Close()
	r.done.Wait()
	if err != nil {
		return fmt.Errorf("watch the reachability: %w", err)
	}
	return nil
}

func (r *reach) run() {
	for e := range r.events.Out() {
		r.mu.Lock()
		r.happened(e)
		r.mu.Unlock()
		r.changed(r.facts())
	}
}

func (r *reach) happened(e any) {
	switch e := e.(type) {
	case event.EvtLocalReachabilityChanged:
		r.known.Reachability = reachabilityText(e.Reachability)
	case event.EvtHostReachableAddrsChanged:
		r.known.Addresses = map[string][]ma.Multiaddr{
			addressReached: e.Reachable, addressUnreached: e.Unreachable, addressUnknown: e.Unknown,
		}
	case event.EvtNATDeviceTypeChanged:
		if kind := natText(e.NatDeviceType); kind != "" {
			r.known.NAT[natTransport(e.TransportProtocol)] = kind
		} else {
			delete(r.known.NAT, natTransport(e.TransportProtocol))
		}
	case event.EvtAutoRelayAddrsUpdated:
		r.known.Relays = e.RelayAddrs
	}
}

// facts returns what is known now; it is the caller's.
func (r *reach) facts() reachFacts {
	r.mu.Lock()
	f := r.known
	f.Addresses, f.NAT = map[string][]ma.Multiaddr{}, maps.Clone(r.known.NAT)
	for state, addrs := range r.known.Addresses {
		f.Addresses[state] = slices.Clone(addrs)
	}
	f.Relays = slices.Clone(r.known.Relays)
	r.mu.Unlock()
	return f
}

func reachabilityText(r network.Reachability) string {
	switch r {
	case network.ReachabilityPublic:
		return api.ReachPublic
	case network.ReachabilityPrivate:
		return api.ReachPrivate
	default:
		return api.ReachUnknown
	}
}

func natText(t network.NATDeviceType) string {
	switch t {
	case network.NATDeviceTypeEndpointIndependent:
		return "endpoint-independent"
	case network.NATDeviceTypeEndpointDependent:
		return "endpoint-dependent"
	default:
		return ""
	}
}

func natTransport(t network.NATTransportProtocol) string {
	if t == network.NATTransportTCP {
		return "tcp"
	}
	return "udp"
}

// WantsRelays reports whether the host does not know yet how others reach it. Then nobody has
// dialed it, and it has fewer reservations at relays than it wants.
func (h *Host) WantsRelays() bool {
	f := h.reach.facts()
	return f.Reachability != api.ReachPublic && len(f.Relays) < wantedRelays
}
