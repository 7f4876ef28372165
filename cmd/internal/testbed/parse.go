package testbed

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// defaultLimit is how long a scenario may take where it does not say.
const defaultLimit = 10 * time.Minute

// Read reads a scenario from its file. What is wrong with it is a [Mistakes].
func Read(file string) (*Scenario, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the scenario: %w", err)
	}
	return Parse(file, text)
}

// Parse reads a scenario. What is wrong with it is a [Mistakes]; file is what they call it.
func Parse(file string, text []byte) (*Scenario, error) {
	text = []byte(lineEnds.Replace(string(text))) // so that parser and mistakes count lines alike
	s := newSource(file, text)
	if root := s.read(text); root != nil && len(s.mistakes) == 0 {
		r := newRehearsal(s)
		r.all(root)
		if len(s.mistakes) == 0 {
			return r.scenario, nil
		}
	}
	slices.SortStableFunc(s.mistakes, func(a, b *Mistake) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return nil, s.mistakes
}

// sections are the pieces of a file, in the order in which they must be read.
type sections struct{ routers, nodes, links, steps *value }

func (r *rehearsal) sectionFields(parts *sections) []field {
	s := r.scenario
	keep := func(to **value) func(*value) { return func(v *value) { *to = v } }
	return []field{
		{name: "title", kind: "text", doc: "what the scenario is called (default: the file's name)", read: r.text(&s.Title, 100)},
		{name: "about", kind: "text", doc: "what it shows, for its readers", read: r.text(&s.About, 4000)},
		{name: "limit", kind: "time", doc: "how long the whole may take (default: 10m)", read: r.duration(&s.Limit)},
		{name: "work", kind: "number", doc: "proof of work of the records, for each KiB (default: 0, none)", read: func(v *value) {
			var n int
			r.count(&n, 0, 1_000_000)(v)
			s.Work = uint32(n) // at most a million
		}},
		{name: "routers", kind: "routers", doc: "routers that nodes are behind, each with what it does; takes --netns", read: keep(&parts.routers)},
		{name: "nodes", kind: "nodes", doc: "the nodes, each with what is particular about it", must: true, read: keep(&parts.nodes)},
		{name: "links", kind: "groups", doc: "who can reach whom at all: nodes that share a group (default: all can)", read: keep(&parts.links)},
		{name: "steps", kind: "steps", doc: "what happens, in this order", must: true, read: keep(&parts.steps)},
	}
}

// all reads the whole file.
func (r *rehearsal) all(root *value) {
	s, parts := r.scenario, sections{}
	s.Limit = defaultLimit
	r.fields(root, "scenario", r.sectionFields(&parts))
	if parts.nodes == nil || parts.steps == nil {
		return // which is a mistake already
	}
	if parts.routers != nil {
		r.readRouters(parts.routers)
	}
	r.readNodes(parts.nodes)
	if parts.links != nil {
		r.unrouted(parts.links.spot, "links")
		r.groups(&s.Links, false)(parts.links)
	}
	r.links = newTopology(r.names(), s.Links)
	if len(s.Nodes) == 0 {
		return
	}
	r.readSteps(parts.steps)
	if len(r.mistakes) == 0 {
		r.whole(parts)
	}
}

// whole looks for what is missing in a scenario that is right in its parts.
func (r *rehearsal) whole(parts sections) {
	if !r.expected {
		r.wrong(parts.steps.spot, "nothing is expected, so that nothing can fail: add a step such as expect: converged")
	}
	if never := r.those(func(n *Node) bool { return !r.started[n.Name] }); len(never) > 0 {
		r.wrong(parts.nodes.spot, "%s never started: add a step start, or leave out the node", isOrAre(never))
	}
}

// readNodes reads the nodes: a mapping of names, or a mere list of them.
func (r *rehearsal) readNodes(v *value) {
	var pairs []pair
	switch v.kind {
	case mapping:
		pairs = v.pairs
	case list:
		for _, item := range v.list {
			pairs = append(pairs, pair{item, &value{spot: item.spot}})
		}
	default:
		r.wrong(v.spot, "here belong the nodes: a mapping of their names, or a list")
		return
	}
	type declared struct {
		nodes []*Node
		value *value
	}
	var all []declared
	for _, p := range pairs {
		all = append(all, declared{r.declare(p.key), p.value})
	}
	if len(r.scenario.Nodes) == 0 {
		r.wrong(v.spot, "there is no node: name at least one")
	}
	vias := make([]*value, len(all))
	for i, d := range all { // the names are known now
		vias[i] = r.describe(d.nodes, d.value)
	}
	for i, via := range vias { // and now who is a relay
		if via != nil {
			r.vias(all[i].nodes, via)
		}
	}
	r.seeds()
}

// declare adds the nodes of one name, or of a range of names.
func (r *rehearsal) declare(key *value) (made []*Node) {
	text, ok := r.scalar(key, "a node's name")
	if !ok {
		return nil
	}
	names, ok := spread(text)
	if !ok {
		r.wrong(key.spot, "%q is no range of names such as n1..n5", text)
		return nil
	}
	for _, name := range names {
		switch {
		case crowds[name] != nil || name == "others" || name == "none":
			r.wrong(key.spot, "%q means other things in lists of nodes: give the node another name", name)
		case !namePattern.MatchString(name):
			r.wrong(key.spot, "%q is no name for a node: it takes small letters, digits and dashes, at most 32, the first a letter", name)
		case r.scenario.Node(name) != nil:
			r.wrong(key.spot, "there is a node %q already", name)
		case len(r.scenario.Nodes) >= maxNodes:
			r.wrong(key.spot, "there are more than %d nodes: each is a process of its own", maxNodes)
			return made
		default:
			n := &Node{Name: name}
			r.scenario.Nodes = append(r.scenario.Nodes, n)
			made = append(made, n)
		}
	}
	return made
}

// ownFlags are those of lf node that the testbed sets itself.
var ownFlags = []string{"--home", "--api", "--api-listen", "--listen", "--network", "--profile", "--seed", "--rendezvous", "--dev", "--offline", "--testbed", "--json", "--quiet"}

func (r *rehearsal) nodeFields(n *Node, via **value) []field {
	return []field{
		{name: "seeds", kind: "nodes", doc: "through whom it finds peers (default: the 16 honest nodes after it, the first after the last; none: nobody)", read: func(v *value) {
			if v.kind == scalar && v.text == "none" {
				n.Seeds = []string{}
				return
			}
			r.nodes(&n.Seeds, func(o *Node) string {
				if o == n {
					return fmt.Sprintf("%s cannot be its own seed: leave it out", n.Name)
				}
				return ""
			})(v)
		}},
		{name: "relay", kind: "true or false", doc: "it relays for others, within the limits that relays on the internet have (128 KiB, 2 minutes)", read: r.truth(&n.Relay)},
		{name: "via", kind: "a relay", doc: "it is reached only through this relay", read: func(v *value) { *via = v }},
		{name: "hostile", kind: "mode", doc: "it is no node, but misbehaves in this way: " + text.Join(Modes, "or"), read: r.oneOf("a way to misbehave", Modes, func(mode string) { n.Hostile = mode })},
		{name: "clock", kind: "offset", doc: "how far its clock is ahead, such as +90s, or behind, such as -2m", read: r.offset(&n.Clock)},
		{name: "behind", kind: "a router", doc: "the router that it is behind (default: none, it has a public address)", read: r.router(&n.Behind)},
		{name: "profile", kind: "default or server", doc: "its profile (default: default), for nodes of a scenario with routers", read: r.oneOf("a profile", []string{"default", "server"}, func(text string) { n.Profile = text })},
		{name: "public-dht", kind: "true or false", doc: "it is no node, but a peer of the public DHT, as thousands of others run them; it relays too", read: r.truth(&n.PublicDHT)},
		{name: "rendezvous", kind: "nodes", doc: "peers of the public DHT through which it looks for others", read: r.nodes(&n.Rendezvous, func(o *Node) string {
			return when(!o.PublicDHT, o.Name+" is no peer of the public DHT: give it public-dht: true, and name it first")
		})},
		{name: "flags", kind: "texts", doc: "further flags of lf node, such as [--oracle]", read: r.flags(&n.Flags)},
	}
}

func (r *rehearsal) flags(to *[]string) func(*value) {
	return func(v *value) {
		if v.kind != list {
			r.wrong(v.spot, "here belongs a list of flags such as [--oracle]")
			return
		}
		for _, item := range v.list {
			text, ok := r.scalar(item, "a flag")
			if name, _, _ := strings.Cut(text, "="); ok && slices.Contains(ownFlags, name) {
				r.wrong(item.spot, "the testbed sets %s itself: leave it out", name)
			}
			*to = append(*to, text)
		}
	}
}

// describe reads what is particular about some nodes, which all have it.
func (r *rehearsal) describe(nodes []*Node, v *value) (via *value) {
	if len(nodes) == 0 {
		return nil
	}
	first, before := nodes[0], len(r.mistakes)
	given := r.fields(v, "node", r.nodeFields(first, &via))
	if first.Hostile != "" && (first.Relay || via != nil || first.Clock != 0 || len(first.Flags) > 0) {
		r.wrong(given["hostile"], "a hostile node is none of relay, via, clock and flags: it may have seeds")
	}
	r.routed(first, given, v.spot)
	if first.Relay && via != nil {
		r.wrong(given["via"], "a relay that is reached through a relay is of no use: leave one out")
	}
	if len(r.mistakes) > before {
		return nil
	}
	for _, n := range nodes {
		name := n.Name
		*n = *first
		n.Name = name
		if first.Seeds != nil {
			n.Seeds = slices.DeleteFunc(slices.Clone(first.Seeds), func(seed string) bool { return seed == name })
		}
	}
	return via
}

// vias reads the names of relays, when all nodes are described.
func (r *rehearsal) vias(nodes []*Node, v *value) {
	name, ok := r.scalar(v, "the name of a relay")
	if !ok {
		return
	}
	relay := r.scenario.Node(name)
	switch {
	case relay == nil:
		r.noNode(v.spot, name)
	case !relay.Relay:
		r.wrong(v.spot, "%s is no relay: give it relay: true", name)
	}
	for _, n := range nodes {
		n.Via = name
	}
}

// maxSeeds is how many seeds a node has that names none.
const maxSeeds = 16

// seeds gives seeds to the nodes that name none: those after it, so that everybody is somebody's.
func (r *rehearsal) seeds() {
	all := r.scenario.Nodes
	for i, n := range all {
		switch {
		case n.Seeds != nil:
		case n.Via != "":
			n.Seeds = []string{n.Via}
		default:
			for j := 1; j < len(all) && len(n.Seeds) < maxSeeds; j++ {
				if other := all[(i+j)%len(all)]; n.leads(other) {
					n.Seeds = append(n.Seeds, other.Name)
				}
			}
		}
	}
}

// leads reports whether another node is of use as a seed.
func (n *Node) leads(other *Node) bool {
	return n.PublicDHT == other.PublicDHT && other.Hostile == "" && other.Behind == ""
}
