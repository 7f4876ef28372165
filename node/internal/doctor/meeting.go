package doctor

import (
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// dht is about the network's own one.
func (f *facts) dht() *api.Finding {
	d := f.DHT
	const dialable = "connect to a node that everybody can dial (--seed): the others are not in it"
	switch {
	case f.Offline || d.Mode == api.DHTOff || f.Peers.Network == 0:
		return nil
	case d.Peers == 0 && f.young():
		return note(soon, "nobody in the routing table yet")
	case d.Peers == 0:
		return note(dialable,
			"nobody in the routing table, though %s connected", text.Count(f.Peers.Network, "peer is", "peers are"))
	case d.Entered > 0:
		return ok("%s in the routing table, as a %s; its addresses were published %s ago",
			peersText(d.Peers), d.Mode, text.Duration(f.since(d.Entered)))
	case d.Error != "" && !f.young():
		return warning("see that the peers answer (lf peers); others find this node only by seeds meanwhile",
			"%s in the routing table, as a %s; its addresses are not published: %s", peersText(d.Peers), d.Mode, d.Error)
	}
	return note(soon, "%s in the routing table, as a %s; its addresses are not published yet", peersText(d.Peers), d.Mode)
}

// rendezvous is about the public DHT. That a node takes no part in it matters only to one that is
// alone.
func (f *facts) rendezvous() *api.Finding {
	r := f.Rendezvous
	const internet = "see that this machine reaches the Internet, UDP and TCP out; or name nodes with --seed, which needs no public DHT"
	switch {
	case !f.far() || f.Private:
		return nil
	case !r.On && f.Peers.Network > 0:
		return nil
	case !r.On:
		return note("run lf node without --no-rendezvous; on a network of your own name peers of the public DHT with --rendezvous",
			"this node does not look for others in the public DHT")
	case r.Error != "" && f.Peers.Network == 0:
		return warning(internet, "the last look into the public DHT failed: %s", r.Error)
	case r.Error != "":
		return note(internet, "the last look into the public DHT failed: %s", r.Error)
	case r.Last == 0:
		return note(soon, "the first look into the public DHT is under way")
	}
	return ok("%s met in the public DHT %s ago", text.Count(r.Met, "node", "nodes"), text.Duration(f.since(r.Last)))
}

// mdns is about the local network. As with the rendezvous, that it is off matters to a node that is
// alone.
func (f *facts) mdns() *api.Finding {
	switch {
	case !f.far() || f.Profile != profileDefault:
		return nil
	case f.MDNSProblem != "":
		return note("connect this machine to a network that has multicast, or name nodes with --seed",
			"this node is not announced on the local network: %s", f.MDNSProblem)
	case f.MDNS:
		return ok("nodes of the local network are looked for")
	case f.Peers.Network == 0:
		return note("run lf node without --no-mdns", "nodes of the local network are not looked for")
	}
	return nil
}
