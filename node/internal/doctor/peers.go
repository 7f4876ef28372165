package doctor

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// soon is the advice where time alone may tell.
const soon = "ask again in a minute: lf doctor"

func (f *facts) network() *api.Finding {
	switch {
	case f.Offline:
		return note("run lf node without --offline", "%q, offline: this node talks to no peers", f.Network)
	case f.Private:
		return ok("%q, private: only nodes with its secret get in, over TCP and WebSocket", f.Network)
	case f.Profile == profileLocal:
		return ok("%q, on this machine alone (profile local)", f.Network)
	}
	return ok("%q", f.Network)
}

// identity is about another running node that has this one's: a copied home, or a cloned machine.
func (f *facts) identity() *api.Finding {
	if f.Clone == nil {
		return nil
	}
	return failure("stop one of the two. Where this home is a copy, stop this node, move identity.pem out of the home and start it again: it makes a new identity",
		"another running node has this node's identity (%s), seen at %s %s ago: others take the two for one, and each gets only part of what is sent",
		short(f.Peer), f.Clone.Address, text.Duration(f.since(f.Clone.Seen)))
}

func (f *facts) peers() *api.Finding {
	c := f.Peers
	switch {
	case f.Offline:
		return nil
	case c.Network > 0 && c.Relayed > 0:
		return ok("%s of this network, %d of them through a relay only", peersText(c.Network), c.Relayed)
	case c.Network > 0:
		return ok("%s of this network", peersText(c.Network))
	case f.young():
		return note(soon, "none yet: the node has just started")
	case c.Others > 0:
		return warning(f.findPeers(),
			"none of this network, though %s of others: nothing comes in, and nothing that is written here gets out", peersText(c.Others))
	}
	return warning(f.findPeers(), "none: nothing comes in, and nothing that is written here gets out")
}

// findPeers is what to try for a node without any.
func (f *facts) findPeers() string {
	if seeds, _, _ := f.seedStates(); seeds > 0 {
		return "see that the seeds run and that this machine reaches them (lf seeds), or name another node with lf node --seed"
	}
	return "name a node of this network with lf node --seed /ip4/…/tcp/…/p2p/12D3KooW… (lf status there shows its addresses; lf seeds)"
}

// seedStates counts the seeds, those connected, and names those that do not answer.
func (f *facts) seedStates() (all, connected int, failing []api.DialState) {
	for _, d := range f.Dials {
		switch {
		case !d.Seed:
			continue
		case d.Connected:
			connected++
		case d.Failures > 0:
			failing = append(failing, d)
		}
		all++
	}
	return all, connected, failing
}

func (f *facts) seeds() *api.Finding {
	all, connected, failing := f.seedStates()
	const advice = "see that they run and that their addresses are still right; leave out of --seed and of the network's file what will not come back"
	switch {
	case f.Offline || all == 0:
		return nil
	case connected == all:
		return ok("all are connected (%d)", all)
	case len(failing) == 0:
		return note(soon, "%d of %d connected, the others are being dialed", connected, all)
	case connected > 0 || f.Peers.Network > 0:
		return note(advice, "%d of %d connected; no answer from %s", connected, all, f.failingText(failing))
	}
	return warning(advice, "none of %d answers: %s", all, f.failingText(failing))
}

// strangersText names the seeds at whose addresses somebody else answers: such a seed has lost its
// identity, or its address.
func (f *facts) strangersText(failing []api.DialState) string {
	var ids []string
	for _, d := range failing {
		if strings.Contains(d.Problem, "peer id mismatch") { // as libp2p words it
			ids = append(ids, d.Peer)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return "; a node with another identity answers at the address of " + shorts(ids)
}

// failingText names seeds that do not answer, how often they were dialed, and when the first of
// them is dialed next.
func (f *facts) failingText(failing []api.DialState) string {
	var ids []string
	dials, next := 0, uint64(0)
	for _, d := range failing {
		ids, dials = append(ids, d.Peer), max(dials, d.Failures)
		if d.Next > 0 && (next == 0 || d.Next < next) {
			next = d.Next
		}
	}
	when := "being dialed now"
	if next > 0 {
		when = "next dial in " + text.Duration(f.until(next))
	}
	return fmt.Sprintf("%s after %s, %s%s", shorts(ids), text.Count(dials, "dial", "dials"), when, f.strangersText(failing))
}
