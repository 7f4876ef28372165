package doctor

import (
	"fmt"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// relays are those that this node needs while nobody can dial it.
func (f *facts) relays() *api.Finding {
	const advice = "connect to a node that everybody can dial (--seed): it relays, unless it runs with --no-relay-service"
	switch {
	case len(f.Relays) > 0:
		return ok("a place at %s: %s", text.Count(len(f.Relays), "relay", "relays"), shorts(f.Relays))
	case !f.far() || f.Profile == profileServer || f.Reach.Reachability == api.ReachPublic:
		return nil
	case f.young():
		return note(soon, "no place at a relay yet: it is looked for among the peers")
	case f.Peers.Network+f.Peers.Others == 0:
		return note(advice, "no place at a relay: no peer is connected that could be one")
	case f.Reach.Reachability == api.ReachPrivate:
		return warning(advice, "no place at a relay: none of the peers relays, or they are full")
	}
	return note(advice, "no place at a relay; whether one is needed is not known yet")
}

// punching is about direct connections with peers that were reached through a relay at first.
func (f *facts) punching() *api.Finding {
	p := f.Punches
	text := fmt.Sprintf("of %s at a direct connection %d came about by dialing, %d through a hole in the NAT, and %d failed",
		text.Count(p.Direct+p.Succeeded+p.Failed, "attempt", "attempts"), p.Direct, p.Succeeded, p.Failed)
	switch {
	case !f.far() || p.Direct+p.Succeeded+p.Failed == 0:
		return nil
	case p.Failed <= p.Direct+p.Succeeded:
		return ok("%s", text)
	case f.symmetric():
		return warning(f.forward(), "%s: the NAT in front of this node gives each peer another port, so holes do not help", text)
	}
	return warning(f.forward(), "%s%s", text, f.lastPunch())
}

// symmetric reports whether the NAT is of the kind through which no holes can be punched.
func (f *facts) symmetric() bool {
	for _, t := range f.Reach.Transports {
		if t.NAT == "endpoint-dependent" {
			return true
		}
	}
	return false
}

// lastPunch is the newest failure.
func (f *facts) lastPunch() string {
	for i := len(f.Punches.Last) - 1; i >= 0; i-- {
		if p := f.Punches.Last[i]; p.Error != "" {
			return fmt.Sprintf("; the last one, with %s: %s", short(p.Peer), p.Error)
		}
	}
	return ""
}

// relaying is about what this node does for others.
func (f *facts) relaying() *api.Finding {
	r := f.Relaying
	switch {
	case r.Running:
		return ok("this node relays: %s, %s, %s so far",
			text.Count(r.Places, "place", "places"), text.Count(r.Circuits, "connection", "connections"), text.Size(r.Bytes))
	case !f.far() || f.Reach.Reachability != api.ReachPublic:
		return nil
	case !r.Allowed:
		return note("run lf node without --no-relay-service: a network lives by those that everybody can dial",
			"this node does not relay for those whom nobody can dial")
	}
	return note(soon, "this node does not relay yet, though everybody can dial it")
}
