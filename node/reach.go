package node

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// reach watches how others can reach this node, as libp2p finds it out: from others that dial it
// back (AutoNAT), from the addresses at which they see it, from relays, and from holes punched.
type reach struct {
	host    host.Host
	events  event.Subscription
	circle  circle
	mu      sync.Mutex
	known   reachFacts
	done    sync.WaitGroup
	changed func(reachFacts) // called after each change, on the watcher's goroutine
}

// circle is what takes part in making a node reachable and counts what it does.
type circle struct {
	punches *punches
	service *relayCounter
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
	Relays  []ma.Multiaddr
	Service relayServiceFacts
	Punches punchFacts
}

// Reachabilities, and states of addresses.
const (
	reachPublic      = "public"
	reachPrivate     = "private"
	reachUnknown     = "unknown"
	addressReached   = "reachable"
	addressUnreached = "unreachable"
	addressUnknown   = "unknown"
)

// newReach watches a host until it is closed.
func newReach(h host.Host, c circle, changed func(reachFacts)) (*reach, error) {
	events, err := h.EventBus().Subscribe([]any{
		new(event.EvtLocalReachabilityChanged), new(event.EvtHostReachableAddrsChanged), new(event.EvtNATDeviceTypeChanged),
		new(event.EvtAutoRelayAddrsUpdated),
	})
	if err != nil {
		return nil, fmt.Errorf("watch the reachability: %w", err)
	}
	r := &reach{host: h, events: events, circle: c, changed: changed,
		known: reachFacts{Reachability: reachUnknown, Addresses: map[string][]ma.Multiaddr{}, NAT: map[string]string{}}}
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
	if r.circle.service != nil {
		f.Service = r.circle.service.facts()
	}
	if r.circle.punches != nil {
		f.Punches = r.circle.punches.facts()
	}
	return f
}

func reachabilityText(r network.Reachability) string {
	switch r {
	case network.ReachabilityPublic:
		return reachPublic
	case network.ReachabilityPrivate:
		return reachPrivate
	default:
		return reachUnknown
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

// seekRelays has libp2p look for relays at once. It waits otherwise until others have found that
// this node cannot be dialed, some 20 seconds, and a node that turns out to be public gives its
// places at relays back.
func seekRelays(h host.Host) error {
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
