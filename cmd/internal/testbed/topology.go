package testbed

import (
	"cmp"
	"slices"
)

// topology is which links of a scenario are open: those that it has at all, less what is cut.
type topology struct {
	nodes []string
	none  map[Cut]bool // links that the scenario does not have
	cut   map[Cut]bool
}

// newTopology links nodes that share a group; without groups, all.
func newTopology(nodes []string, groups [][]string) *topology {
	t := &topology{nodes: nodes, none: map[Cut]bool{}, cut: map[Cut]bool{}}
	if len(groups) > 0 {
		t.none = t.between(groups)
	}
	return t
}

// between is every link between nodes that share no group.
func (t *topology) between(groups [][]string) map[Cut]bool {
	cuts := map[Cut]bool{}
	for _, a := range t.nodes {
		for _, b := range t.nodes {
			if a != b && !slices.ContainsFunc(groups, func(g []string) bool { return slices.Contains(g, a) && slices.Contains(g, b) }) {
				cuts[Cut{a, b}] = true
			}
		}
	}
	return cuts
}

// partition leaves only the links within groups.
func (t *topology) partition(groups [][]string) { t.cut = t.between(groups) }

// isolate cuts further links.
func (t *topology) isolate(nodes, from []string, way Way) {
	for _, a := range nodes {
		for _, b := range from {
			if a != b && way != In {
				t.cut[Cut{a, b}] = true
			}
			if a != b && way != Out {
				t.cut[Cut{b, a}] = true
			}
		}
	}
}

// heal takes back what was cut at some nodes, and reports whether anything was.
func (t *topology) heal(nodes []string) bool {
	before := len(t.cut)
	for c := range t.cut {
		if slices.Contains(nodes, c.From) || slices.Contains(nodes, c.To) {
			delete(t.cut, c)
		}
	}
	return len(t.cut) < before
}

// cuts are all links that are not open, sorted.
func (t *topology) cuts() []Cut {
	var all []Cut
	for _, a := range t.nodes {
		for _, b := range t.nodes {
			if c := (Cut{a, b}); t.none[c] || t.cut[c] {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b Cut) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return all
}

// open reports whether two nodes can reach each other, whichever of them begins.
func (t *topology) open(a, b string) bool {
	closed := func(c Cut) bool { return t.none[c] || t.cut[c] }
	return !closed(Cut{a, b}) || !closed(Cut{b, a})
}

// components are the sets of these nodes that records can travel in, in the nodes' order.
func (t *topology) components(nodes []string) [][]string {
	var all [][]string
	seen := map[string]bool{}
	for _, first := range nodes {
		if seen[first] {
			continue
		}
		seen[first] = true
		reached := []string{first}
		for i := 0; i < len(reached); i++ {
			for _, next := range nodes {
				if !seen[next] && t.open(reached[i], next) {
					seen[next] = true
					reached = append(reached, next)
				}
			}
		}
		slices.SortFunc(reached, func(a, b string) int { return cmp.Compare(slices.Index(nodes, a), slices.Index(nodes, b)) })
		all = append(all, reached)
	}
	return all
}
