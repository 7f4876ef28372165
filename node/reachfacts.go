package node

import (
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// reachOf sorts what is known of how the node is reached by transport: those that it listens on,
// and those of addresses at which it was seen.
func reachOf(f *reachFacts, listening []ma.Multiaddr) api.ReachFacts {
	out := api.ReachFacts{Reachability: f.Reachability, Transports: []api.TransportFacts{}}
	for _, name := range []string{api.TransportTCP, api.TransportQUIC, api.TransportWebSocket} {
		t := api.TransportFacts{
			Transport: name, NAT: f.NAT[natOf(name)], Reachable: of(name, f.Addresses[addressReached]),
			Unreachable: of(name, f.Addresses[addressUnreached]), Unknown: of(name, f.Addresses[addressUnknown]),
		}
		switch {
		case len(t.Reachable) > 0:
			t.State = api.TransportReachable
		case len(t.Unreachable) > 0:
			t.State = api.TransportUnreachable
		case len(t.Unknown) > 0 || len(of(name, listening)) > 0:
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

// of lists the addresses of a transport, but for those at relays.
func of(transport string, addrs []ma.Multiaddr) (list []string) {
	for _, a := range addrs {
		if !isCircuit(a) && transportOf(a) == transport {
			list = append(list, a.String())
		}
	}
	return list
}

func texts(addrs []ma.Multiaddr) []string {
	list := []string{}
	for _, a := range addrs {
		list = append(list, a.String())
	}
	return list
}

func relayingOf(f relayServiceFacts, allowed bool) api.Relaying {
	return api.Relaying{Allowed: allowed, Running: f.Running, Places: f.Reservations, Circuits: f.Circuits, Bytes: f.Bytes}
}

func punchesOf(f punchFacts) api.Punches {
	out := api.Punches{Direct: f.Direct, Succeeded: f.Succeeded, Failed: f.Failed, Last: []api.Punch{}}
	for _, p := range f.Last {
		out.Last = append(out.Last, api.Punch{Peer: p.Peer.String(), At: millis(p.At), Error: p.Error})
	}
	return out
}
