package p2p

import (
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// ReachFacts tells how others reach the host, by transport.
func (h *Host) ReachFacts() api.ReachFacts {
	f := h.reach.facts()
	return reachOf(&f, h.listening())
}

// reachOf sorts what is known by transport: those that the host listens on, and those of addresses
// at which it was seen.
func reachOf(f *reachFacts, listening []ma.Multiaddr) api.ReachFacts {
	out := api.ReachFacts{Reachability: f.Reachability, Transports: []api.TransportFacts{}}
	for _, name := range []string{api.TransportTCP, api.TransportQUIC, api.TransportWebSocket} {
		t := api.TransportFacts{
			Transport: name, NAT: f.NAT[natOf(name)], Reachable: addrsOf(name, f.Addresses[addressReached]),
			Unreachable: addrsOf(name, f.Addresses[addressUnreached]), Unknown: addrsOf(name, f.Addresses[addressUnknown]),
		}
		switch {
		case len(t.Reachable) > 0:
			t.State = api.TransportReachable
		case len(t.Unreachable) > 0:
			t.State = api.TransportUnreachable
		case len(t.Unknown) > 0 || len(addrsOf(name, listening)) > 0:
			t.State = api.TransportUnknown
		default:
			continue
		}
		out.Transports = append(out.Transports, t)
	}
	return out
}

// natOf is the transport below, by which a NAT treats one above.
func natOf(transport string) string {
	if transport == api.TransportQUIC {
		return "udp"
	}
	return "tcp"
}

// addrsOf lists the addresses of a transport, but for those at relays.
func addrsOf(transport string, addrs []ma.Multiaddr) (list []string) {
	for _, a := range addrs {
		if !IsCircuit(a) && transportOf(a) == transport {
			list = append(list, a.String())
		}
	}
	return list
}

// addrStrings are addresses as texts.
func addrStrings(addrs []ma.Multiaddr) []string {
	list := []string{}
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return list
}

// Relaying is what the host does for others as a relay.
func (h *Host) Relaying() api.Relaying {
	f := h.relaying.facts()
	f.Allowed = h.wouldRelay()
	return f
}

// HolePunches tells how it went to turn relayed connections into direct ones.
func (h *Host) HolePunches() api.Punches { return h.punches.facts() }

// PortMapping tells which ports the router forwards to the host.
func (h *Host) PortMapping() api.PortMapping { return h.mapping.facts(h.listening()) }

// BannedPeers are those that are refused now because they did not behave.
func (h *Host) BannedPeers() api.BannedPeers { return h.bans.facts(time.Now()) }

// Traffic is what all streams have carried.
func (h *Host) Traffic() api.Traffic { return h.traffic.total() }

// Listening are the multiaddrs that the host listens on itself, not at relays.
func (h *Host) Listening() []string { return addrStrings(h.listening()) }

func (h *Host) listening() []ma.Multiaddr {
	return slices.DeleteFunc(h.Network().ListenAddresses(), IsCircuit)
}

// Reservations are the peer IDs of the relays at which others can reach the host.
func (h *Host) Reservations() []string {
	list := []string{}
	for _, a := range h.reach.facts().Relays {
		list = append(list, relayOf(a))
	}
	for _, p := range h.testbed.reservations() {
		list = append(list, p.String())
	}
	slices.Sort(list)
	return slices.Compact(list)
}
