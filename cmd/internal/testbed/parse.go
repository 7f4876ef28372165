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

// Read reads a scenario from its file. What is wrong with it is a [ScenarioErrors].
func Read(file string) (*Scenario, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the scenario: %w", err)
	}
	return Parse(file, text)
}

// Parse reads a scenario. What is wrong with it is a [ScenarioErrors]; file is what they call it.
func Parse(file string, text []byte) (*Scenario, error) {
	text = []byte(lineEnds.Replace(string(text))) // so that parser and errors count lines alike
	s := newSource(file, text)
	if root := s.read(text); root != nil && len(s.errs) == 0 {
		r := newDryRun(s)
		r.readFile(root)
		if len(s.errs) == 0 {
			return r.scenario, nil
		}
	}
	slices.SortStableFunc(s.errs, func(a, b *ScenarioError) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return nil, s.errs
}

// sections are the pieces of a file, in the order in which they must be read.
type sections struct{ routers, nodes, links, steps *value }

func (r *dryRun) sectionFields(parts *sections) []field {
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
		{name: "routers", kind: "routers", doc: "the routers between nodes, each with what it does; takes --netns", read: keep(&parts.routers)},
		{name: "nodes", kind: "nodes", doc: "the nodes, each with what is particular about it", must: true, read: keep(&parts.nodes)},
		{name: "links", kind: "groups", doc: "which nodes can reach each other at all: those that share a group (default: all)", read: keep(&parts.links)},
		{name: "steps", kind: "steps", doc: "what happens, in this order", must: true, read: keep(&parts.steps)},
	}
}

// readFile reads the whole file.
func (r *dryRun) readFile(root *value) {
	s, parts := r.scenario, sections{}
	s.Limit = defaultLimit
	r.fields(root, "scenario", r.sectionFields(&parts))
	if parts.nodes == nil || parts.steps == nil {
		return // which was said already
	}
	if parts.routers != nil {
		r.readRouters(parts.routers)
	}
	r.readNodes(parts.nodes)
	if parts.links != nil {
		r.mustHaveNoRouters(parts.links.position, "links")
		r.groups(&s.Links, false)(parts.links)
	}
	r.links = newTopology(r.names(), s.Links)
	if len(s.Nodes) == 0 {
		return
	}
	r.readSteps(parts.steps)
	if len(r.errs) == 0 {
		r.checkWhole(parts)
	}
}

// checkWhole looks for what is missing in a scenario that is right in its parts.
func (r *dryRun) checkWhole(parts sections) {
	if !r.hasExpect {
		r.errorf(parts.steps.position, "nothing is expected, so that nothing can fail: add a step such as expect: converged")
	}
	if never := r.nodesWhere(func(n *Node) bool { return !r.started[n.Name] }); len(never) > 0 {
		r.errorf(parts.nodes.position, "%s never started: add a step start, or leave out the node", isOrAre(never))
	}
}

// readNodes reads the nodes: a mapping of names, or a mere list of them.
func (r *dryRun) readNodes(v *value) {
	var pairs []pair
	switch v.kind {
	case mapping:
		pairs = v.pairs
	case list:
		for _, item := range v.list {
			pairs = append(pairs, pair{item, &value{position: item.position}})
		}
	default:
		r.errorf(v.position, "here belong the nodes: a mapping of their names, or a list")
		return
	}
	type declared struct {
		nodes []*Node
		value *value
	}
	var all []declared
	for _, p := range pairs {
		all = append(all, declared{r.declareNodes(p.key), p.value})
	}
	if len(r.scenario.Nodes) == 0 {
		r.errorf(v.position, "there is no node: name at least one")
	}
	vias := make([]*value, len(all))
	for i, d := range all { // the names are known now
		vias[i] = r.describeNodes(d.nodes, d.value)
	}
	for i, via := range vias { // and now, which are relays
		if via != nil {
			r.readRelays(all[i].nodes, via)
		}
	}
	r.defaultSeeds()
}

// declareNodes adds the nodes of one name, or of a range of names.
func (r *dryRun) declareNodes(key *value) (made []*Node) {
	text, ok := r.scalar(key, "a node's name")
	if !ok {
		return nil
	}
	names, ok := spread(text)
	if !ok {
		r.errorf(key.position, "%q is no range of names such as n1..n5", text)
		return nil
	}
	for _, name := range names {
		switch {
		case nodeSets[name] != nil || name == "others" || name == "none":
			r.errorf(key.position, "%q means other things in lists of nodes: give the node another name", name)
		case !namePattern.MatchString(name):
			r.errorf(key.position, "%q is no name for a node: it takes small letters, digits and dashes, at most 32, the first a letter", name)
		case r.scenario.Node(name) != nil:
			r.errorf(key.position, "there is a node %q already", name)
		case len(r.scenario.Nodes) >= maxNodes:
			r.errorf(key.position, "there are more than %d nodes: each is a process of its own", maxNodes)
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

func (r *dryRun) nodeFields(n *Node, via **value) []field {
	return []field{
		{name: "seeds", kind: "nodes", doc: "the nodes through which it finds peers (default: the 16 honest nodes after it; after the last comes the first; none: no seeds)", read: func(v *value) {
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
		{name: "relay", kind: "true or false", doc: "it relays for others, within the limits that relays on the internet have (128 KiB, 2 minutes)", read: r.boolean(&n.Relay)},
		{name: "via", kind: "a relay", doc: "it is reached only through this relay", read: func(v *value) { *via = v }},
		{name: "hostile", kind: "mode", doc: "it is no node, but an attacker of this kind: " + text.Join(Modes, "or"), read: r.oneOf("a way to misbehave", Modes, func(mode string) { n.Hostile = mode })},
		{name: "clock", kind: "offset", doc: "how far its clock is ahead, such as +90s, or behind, such as -2m", read: r.offset(&n.Clock)},
		{name: "behind", kind: "a router", doc: "the router between it and the internet (default: none, it has a public address)", read: r.router(&n.Behind)},
		{name: "profile", kind: "default or server", doc: "its profile (default: default), for nodes of a scenario with routers", read: r.oneOf("a profile", []string{"default", "server"}, func(text string) { n.Profile = text })},
		{name: "public-dht", kind: "true or false", doc: "it is no node, but an ordinary peer of the public DHT; it relays, too", read: r.boolean(&n.PublicDHT)},
		{name: "rendezvous", kind: "nodes", doc: "peers of the public DHT through which it looks for others", read: r.nodes(&n.Rendezvous, func(o *Node) string {
			return textIf(!o.PublicDHT, o.Name+" is no peer of the public DHT: give it public-dht: true, and name it first")
		})},
		{name: "flags", kind: "texts", doc: "further flags of lf node, such as [--oracle]", read: r.flags(&n.Flags)},
	}
}

func (r *dryRun) flags(to *[]string) func(*value) {
	return func(v *value) {
		if v.kind != list {
			r.errorf(v.position, "here belongs a list of flags such as [--oracle]")
			return
		}
		for _, item := range v.list {
			text, ok := r.scalar(item, "a flag")
			if name, _, _ := strings.Cut(text, "="); ok && slices.Contains(ownFlags, name) {
				r.errorf(item.position, "the testbed sets %s itself: leave it out", name)
			}
			*to = append(*to, text)
		}
	}
}

// describeNodes reads the properties that nodes have in common.
func (r *dryRun) describeNodes(nodes []*Node, v *value) (via *value) {
	if len(nodes) == 0 {
		return nil
	}
	first, before := nodes[0], len(r.errs)
	given := r.fields(v, "node", r.nodeFields(first, &via))
	if first.Hostile != "" && (first.Relay || via != nil || first.Clock != 0 || len(first.Flags) > 0) {
		r.errorf(given["hostile"], "a hostile node is none of relay, via, clock and flags: it may have seeds")
	}
	r.checkRouting(first, given, v.position)
	if first.Relay && via != nil {
		r.errorf(given["via"], "a relay that is reached through a relay is of no use: leave one out")
	}
	if len(r.errs) > before {
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

// readRelays reads the relay of some nodes. All nodes are described by then.
func (r *dryRun) readRelays(nodes []*Node, v *value) {
	name, ok := r.scalar(v, "the name of a relay")
	if !ok {
		return
	}
	relay := r.scenario.Node(name)
	switch {
	case relay == nil:
		r.unknownNode(v.position, name)
	case !relay.Relay:
		r.errorf(v.position, "%s is no relay: give it relay: true", name)
	}
	for _, n := range nodes {
		n.Via = name
	}
}

// maxSeeds is how many seeds a node has that names none.
const maxSeeds = 16

// defaultSeeds gives seeds to the nodes that name none: the nodes after them, so that each node is
// the seed of another.
func (r *dryRun) defaultSeeds() {
	all := r.scenario.Nodes
	for i, n := range all {
		switch {
		case n.Seeds != nil:
		case n.Via != "":
			n.Seeds = []string{n.Via}
		default:
			for j := 1; j < len(all) && len(n.Seeds) < maxSeeds; j++ {
				if other := all[(i+j)%len(all)]; n.canSeed(other) {
					n.Seeds = append(n.Seeds, other.Name)
				}
			}
		}
	}
}

// canSeed reports whether another node is of use as a seed.
func (n *Node) canSeed(other *Node) bool {
	return n.PublicDHT == other.PublicDHT && other.Hostile == "" && other.Behind == ""
}
