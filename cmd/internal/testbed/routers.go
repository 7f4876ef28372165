package testbed

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Router is the router of a home or an office, or of a provider with fewer addresses than
// customers. It lets in only the packets of connections that were opened from inside.
type Router struct {
	Name   string
	Behind string // the router between this one and the internet, "" for none
	NAT    NAT
	Blocks []Block
	Maps   bool // it opens ports for those inside that ask (UPnP, NAT-PMP)
}

// NAT is how a router translates addresses (RFC 4787 has the terms).
type NAT string

// The kinds of NAT.
const (
	// FullCone maps an inner address and port to one outer port, and lets in all that is sent
	// there. It does so for UDP. Linux has nothing like it for TCP, so TCP is as with
	// EndpointIndependent.
	FullCone NAT = "full-cone"
	// EndpointIndependent maps an inner address and port to one outer port, and lets in those to
	// whom something was sent from it.
	EndpointIndependent NAT = "endpoint-independent"
	// EndpointDependent takes another outer port, at random, for each address and port that
	// something is sent to.
	EndpointDependent NAT = "endpoint-dependent"
	// NoNAT leaves addresses as they are: those behind the router are public addresses.
	NoNAT NAT = "none"
)

// Block is something that a router does not let pass.
type Block string

// What may be blocked.
const (
	// BlockUDP drops all of UDP.
	BlockUDP Block = "udp"
	// BlockInbound drops TCP connections that both sides open at once, as hole punching does. With
	// UDP blocked as well, no trick opens a connection from outside.
	BlockInbound Block = "inbound"
)

const maxRouters = 50

var (
	nats   = []string{string(FullCone), string(EndpointIndependent), string(EndpointDependent), string(NoNAT)}
	blocks = []string{string(BlockUDP), string(BlockInbound)}

	errNoRouters = errors.New("this scenario has routers, which take network namespaces: run it as root on Linux, with --netns")
)

// Router returns the router of a name, nil when there is none.
func (s *Scenario) Router(name string) *Router {
	i := slices.IndexFunc(s.Routers, func(r *Router) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return s.Routers[i]
}

// does reports whether a router blocks something.
func (r *Router) doesBlock(b Block) bool { return slices.Contains(r.Blocks, b) }

// readRouters reads the routers: a mapping of their names.
func (r *dryRun) readRouters(v *value) {
	if v.kind != mapping || len(v.pairs) == 0 {
		r.errorf(v.position, "here belong the routers: a mapping of their names, such as home: {nat: endpoint-dependent}")
		return
	}
	for _, p := range v.pairs {
		name, ok := r.scalar(p.key, "a router's name")
		switch {
		case !ok:
		case !namePattern.MatchString(name):
			r.errorf(p.key.position, "%q is no name for a router: it takes small letters, digits and dashes, at most 32, the first a letter", name)
		case r.scenario.Router(name) != nil:
			r.errorf(p.key.position, "there is a router %q already", name)
		case len(r.scenario.Routers) >= maxRouters:
			r.errorf(p.key.position, "there are more than %d routers", maxRouters)
			return
		default:
			one := &Router{Name: name, NAT: EndpointIndependent}
			r.fields(p.value, "router", r.routerFields(one))
			r.scenario.Routers = append(r.scenario.Routers, one)
		}
	}
}

func (r *dryRun) routerFields(one *Router) []field {
	return []field{
		{name: "nat", kind: "kind", doc: "how it translates addresses (default: endpoint-independent). full-cone: one outer port for each inner one, open to all; UDP only. endpoint-independent: one outer port for each inner one. endpoint-dependent: another outer port for each remote address. none: its nodes have public addresses", read: r.oneOf("a kind of NAT", nats, func(text string) { one.NAT = NAT(text) })},
		{name: "blocks", kind: "list", doc: "what it does not let pass: udp, or inbound: TCP connections that both sides open at once, as hole punching does", read: r.blocks(&one.Blocks)},
		{name: "maps", kind: "true or false", doc: "it opens ports for those inside that ask, by UPnP and NAT-PMP; takes the program miniupnpd", read: r.boolean(&one.Maps)},
		{name: "behind", kind: "a router", doc: "the router between it and the internet, named before it (default: none)", read: r.router(&one.Behind)},
	}
}

func (r *dryRun) blocks(to *[]Block) func(*value) {
	return func(v *value) {
		items := []*value{v}
		if v.kind == list {
			items = v.list
		}
		for _, item := range items {
			r.oneOf("something that can be blocked", blocks, func(text string) { *to = append(*to, Block(text)) })(item)
		}
	}
}

// router reads a router's name.
func (r *dryRun) router(to *string) func(*value) {
	return func(v *value) {
		name, ok := r.scalar(v, "the name of a router")
		switch {
		case !ok:
		case r.scenario.Router(name) == nil:
			var known []string
			for _, one := range r.scenario.Routers {
				known = append(known, one.Name)
			}
			if len(known) == 0 {
				r.errorf(v.position, "there is no router %q: describe it under routers, before the nodes", name)
				return
			}
			r.errorf(v.position, "there is no router %q here: there are %s", name, listing(known))
		default:
			*to = name
		}
	}
}

// checkRouting checks which properties of a node go together, with routers and without.
func (r *dryRun) checkRouting(n *Node, given map[string]position, at position) {
	const both = "%s with routers: in such a scenario nodes have to find a way by themselves"
	switch {
	case n.PublicDHT && (n.Hostile != "" || n.Behind != "" || n.Profile != "" || n.Clock != 0 || len(n.Flags)+len(n.Rendezvous) > 0):
		r.errorf(given["public-dht"], "a peer of the public DHT has nothing but seeds, peers of its own kind: leave out the rest")
	case len(r.scenario.Routers) > 0 && (n.Relay || given["via"] != position{}):
		r.errorf(at, both, "relay and via do not go")
	case len(r.scenario.Routers) > 0 && n.Hostile != "":
		r.errorf(at, both, "a hostile node does not go")
	case len(r.scenario.Routers) == 0 && (n.PublicDHT || n.Profile != "" || len(n.Rendezvous) > 0):
		r.errorf(at, "profile, public-dht and rendezvous are for scenarios with routers: describe one under routers")
	}
}

// mustHaveNoRouters objects to an action that cuts links where routers are.
func (r *dryRun) mustHaveNoRouters(at position, word string) {
	if len(r.scenario.Routers) > 0 {
		r.errorf(at, "%s does not go with routers, which decide who reaches whom: kill or move nodes instead", word)
	}
}

func (r *dryRun) moveForm() form {
	var a Move
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "which; they must be behind routers", must: true, read: r.nodes(&a.Nodes, both(r.mustBeHonest, func(n *Node) string {
				return textIf(n.Behind == "", n.Name+" has a public address, where others find it: it cannot be moved")
			}))},
			{name: "behind", kind: "a router", doc: "where to", must: true, read: r.router(&a.Behind)},
		},
		done: func(position, map[string]position) Action { return a },
	}
}

// move takes nodes elsewhere.
func (r *runner) move(ctx context.Context, a Move) error {
	for _, name := range a.Nodes {
		if err := r.fabric.Move(ctx, name, a.Behind); err != nil {
			return fmt.Errorf("move %s: %w", name, err)
		}
	}
	return nil
}
