package doctor

import (
	"fmt"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// patient is after how long it is told otherwise that others could not tell yet whether they reach
// this node.
const patient = 5 * young

func (f *facts) reach() *api.Finding {
	switch {
	case f.Offline:
		return nil
	case len(f.Listening) == 0 && len(f.Relays) == 0 && !f.young():
		return failure("give an address to listen on: lf node --listen /ip4/0.0.0.0/tcp/9908",
			"this node listens nowhere: nobody can connect to it")
	case f.Profile == profileLocal:
		return note("run lf node --profile default", "only this machine can dial this node (profile local)")
	case f.Profile == profileServer:
		return f.serverReach()
	case f.Reach.Reachability == api.ReachPublic:
		return ok("everybody can dial this node")
	case f.Reach.Reachability == api.ReachPrivate && len(f.Relays) > 0:
		return note(f.forward(),
			"nobody can dial this node directly; others get here through %s", text.Count(len(f.Relays), "relay", "relays"))
	case f.Reach.Reachability == api.ReachPrivate:
		return warning(f.forward(), "nobody can dial this node, and it has no place at a relay: it meets only whom it dials itself")
	case f.running() < patient || f.Peers.Network+f.Peers.Others == 0:
		return note("ask again in a minute, with a peer connected: lf doctor", "not known yet: AutoNAT needs a minute and a peer that dials back")
	}
	return note("connect to a node that everybody can dial (--seed); "+f.forward(), "not known: no peer could tell whether this node can be dialed")
}

// serverReach is for a node whose operator says that everybody can dial it: others that tried may
// know better.
func (f *facts) serverReach() *api.Finding {
	reached, unreached := f.byState()
	const advice = "open the firewall for %s, or run lf node --profile default, which finds other ways"
	switch {
	case len(reached) > 0:
		return ok("everybody can dial this node")
	case len(unreached) > 0:
		return warning(fmt.Sprintf(advice, f.ports()),
			"the profile server says that everybody can dial this node, and those who tried could not")
	}
	return note(soon, "not known yet: the profile server says that everybody can dial this node, and nobody has tried")
}

// forward is what makes a node dialable.
func (f *facts) forward() string {
	return fmt.Sprintf(
		"forward %s on the router to this machine; should the node not find out by itself, name the outer address with lf node --announce",
		f.ports())
}

// byState names the transports by which somebody dialed this node, and those by which nobody could.
func (f *facts) byState() (reached, unreached []string) {
	for _, t := range f.Reach.Transports {
		switch t.State {
		case api.TransportReachable:
			reached = append(reached, transportText(t.Transport))
		case api.TransportUnreachable:
			unreached = append(unreached, transportText(t.Transport))
		}
	}
	return reached, unreached
}

// transportText is a transport as people who set up routers know it.
func transportText(transport string) string {
	switch transport {
	case api.TransportTCP:
		return "TCP"
	case api.TransportQUIC:
		return "QUIC (UDP)"
	case api.TransportWebSocket:
		return "WebSocket (TCP)"
	}
	return transport
}

// transports is about some that work where others do not; where none does, that is told of as
// reach.
func (f *facts) transports() *api.Finding {
	reached, unreached := f.byState()
	switch {
	case !f.far() || len(reached) == 0:
		return nil
	case len(unreached) == 0:
		return ok("others get here by %s", text.List(reached))
	}
	return warning(fmt.Sprintf("let them in too, on the router and in firewalls: %s", f.ports()),
		"others get here by %s, not by %s", text.List(reached), text.List(unreached))
}

// router is about the ports that it opens; only the profile default asks.
func (f *facts) router() *api.Finding {
	m, public := f.PortMapping, f.Reach.Reachability == api.ReachPublic
	switch {
	case !f.far() || f.Profile != profileDefault:
		return nil
	case len(m.Mapped) > 0:
		return ok("it forwards %s to this node", text.List(m.Mapped))
	case public:
		return nil
	case !m.Asked:
		return note("run lf node without --no-port-mapping, or "+f.forward(), "it is not asked for open ports")
	case f.young():
		return note(soon, "not known yet: routers take some seconds to answer")
	case m.Router:
		return note("allow the router to open ports (UPnP, NAT-PMP), or "+f.forward(), "a router answers, and opens no port for this node")
	}
	return note("turn on UPnP or NAT-PMP on the router, or "+f.forward(), "no router answers that opens ports (UPnP, NAT-PMP)")
}
