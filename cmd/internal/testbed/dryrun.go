package testbed

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dryRun follows the steps while they are read: which nodes run after each, and which links are
// cut. A step that could not work is an error where it stands.
type dryRun struct {
	*source
	scenario  *Scenario
	links     *topology
	running   map[string]bool
	started   map[string]bool   // once, at least
	cycledBy  map[string]string // the action that starts and stops a node in the background
	pulsed    map[string]bool   // whose services have pulsed
	flappedBy string            // the action that cuts links in the background
	jobs      []string          // what runs in the background
	hasExpect bool              // something is, somewhere
}

func newDryRun(s *source) *dryRun {
	return &dryRun{
		source: s, scenario: &Scenario{File: s.file}, links: newTopology(nil, nil),
		running: map[string]bool{}, started: map[string]bool{}, cycledBy: map[string]string{}, pulsed: map[string]bool{},
	}
}

// nodeSets are the words for several nodes at once.
var nodeSets = map[string]func(*dryRun, *Node) bool{
	"all":     func(*dryRun, *Node) bool { return true },
	"honest":  func(_ *dryRun, n *Node) bool { return n.Honest() },
	"hostile": func(_ *dryRun, n *Node) bool { return n.Hostile != "" },
	"running": func(r *dryRun, n *Node) bool { return r.running[n.Name] },
	"stopped": func(r *dryRun, n *Node) bool { return !r.running[n.Name] },
}

const (
	maxNodes     = 200
	nodeListHelp = "a list of nodes: [a, b], n1..n5, all, honest, hostile, running or stopped"
)

var (
	namePattern  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	rangePattern = regexp.MustCompile(`^([a-z][a-z0-9-]*?)([0-9]{1,4})\.\.([a-z][a-z0-9-]*?)([0-9]{1,4})$`)
)

// spread turns n1..n3 into three names; any other text is itself.
func spread(text string) ([]string, bool) {
	m := rangePattern.FindStringSubmatch(text)
	if m == nil {
		return []string{text}, !strings.Contains(text, "..")
	}
	from, _ := strconv.Atoi(m[2])
	to, _ := strconv.Atoi(m[4])
	if m[1] != m[3] || to < from || to-from >= maxNodes {
		return nil, false
	}
	var names []string
	for i := from; i <= to; i++ {
		names = append(names, m[1]+strconv.Itoa(i))
	}
	return names, true
}

// nodes reads a list of nodes. objection says why a node must not be in it, "" if it may.
func (r *dryRun) nodes(to *[]string, objection func(*Node) string) func(*value) {
	return func(v *value) {
		items := []*value{v}
		if v.kind == list {
			items = v.list
		}
		chosen := map[string]bool{}
		for _, item := range items {
			for _, name := range r.nodesNamed(item) {
				if n := r.scenario.Node(name); n != nil && objection != nil {
					if wrong := objection(n); wrong != "" {
						r.errorf(item.position, "%s", wrong)
						break
					}
				}
				chosen[name] = true
			}
		}
		if len(items) == 0 {
			r.errorf(v.position, "the list of nodes is empty")
		}
		*to = r.order(chosen)
	}
}

// nodesNamed are the nodes that one item of a list stands for.
func (r *dryRun) nodesNamed(item *value) []string {
	text, ok := r.scalar(item, nodeListHelp)
	if !ok {
		return nil
	}
	if inSet := nodeSets[text]; inSet != nil {
		var names []string
		for _, n := range r.scenario.Nodes {
			if inSet(r, n) {
				names = append(names, n.Name)
			}
		}
		if len(names) == 0 {
			r.errorf(item.position, "no node is meant by %q here", text)
		}
		return names
	}
	names, ok := spread(text)
	if !ok {
		r.errorf(item.position, "%q is no range of nodes such as n1..n5", text)
		return nil
	}
	for i, name := range names {
		if r.scenario.Node(name) == nil {
			r.unknownNode(item.position, name)
			return names[:i]
		}
	}
	return names
}

func (r *dryRun) unknownNode(at position, name string) {
	all := r.names()
	switch near := nearest(name, append(slices.Clone(all), "all", "honest", "hostile", "running", "stopped")); {
	case len(all) == 0: // which was said already
	case strings.ContainsAny(name, ", "):
		r.errorf(at, "there is no node %q: write several as a list, [%s]", name, strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ' ' }), ", "))
	case near != "":
		r.errorf(at, "there is no node %q: did you mean %q?", name, near)
	default:
		r.errorf(at, "there is no node %q: the nodes are %s", name, listing(all))
	}
}

// names are those of all nodes.
func (r *dryRun) names() []string {
	names := make([]string, len(r.scenario.Nodes))
	for i, n := range r.scenario.Nodes {
		names[i] = n.Name
	}
	return names
}

// order is the chosen nodes, as the scenario orders them.
func (r *dryRun) order(chosen map[string]bool) []string {
	var names []string
	for _, n := range r.scenario.Nodes {
		if chosen[n.Name] {
			names = append(names, n.Name)
		}
	}
	return names
}

// nodesWhere are the nodes that pass a test.
func (r *dryRun) nodesWhere(test func(*Node) bool) []string {
	var names []string
	for _, n := range r.scenario.Nodes {
		if test(n) {
			names = append(names, n.Name)
		}
	}
	return names
}

// groups reads a list of lists of nodes. The word others, as one of the groups, is every node that
// is in none.
func (r *dryRun) groups(to *[][]string, whole bool) func(*value) {
	return func(v *value) {
		if v.kind != list {
			r.errorf(v.position, "here belongs a list of groups such as [[a, b], [c, d]], not %s", [...]string{"nothing", "one word", "", "a mapping"}[v.kind])
			return
		}
		rest, in := -1, map[string]bool{}
		for i, item := range v.list {
			var group []string
			if item.kind == scalar && item.text == "others" {
				rest = i
			} else {
				r.nodes(&group, nil)(item)
			}
			for _, name := range group {
				in[name] = true
			}
			*to = append(*to, group)
		}
		others := r.nodesWhere(func(n *Node) bool { return !in[n.Name] })
		switch {
		case rest >= 0 && len(others) == 0:
			r.errorf(v.list[rest].position, "there are no others: every node is in a group")
		case rest >= 0:
			(*to)[rest] = others
		case whole && len(others) > 0 && len(v.list) > 0:
			r.errorf(v.position, "%s in no group: add what is missing, or the group others", isOrAre(others))
		}
		if len(v.list) < 2 && whole {
			r.errorf(v.position, "this cuts nothing: it takes two groups at least")
		}
	}
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return listing(names) + " are"
}

// mustRun objects to a node that is down, or may be.
func (r *dryRun) mustRun(n *Node) string {
	switch {
	case r.cycledBy[n.Name] != "":
		return fmt.Sprintf("%s may be down: %s goes on with it in the background, wait for it first (wait: background)", n.Name, r.cycledBy[n.Name])
	case !r.running[n.Name]:
		return fmt.Sprintf("%s does not run here: start it first", n.Name)
	}
	return ""
}

// mustRest objects to a node that runs, or may.
func (r *dryRun) mustRest(n *Node) string {
	switch {
	case r.cycledBy[n.Name] != "":
		return fmt.Sprintf("%s may run: %s goes on with it in the background, wait for it first (wait: background)", n.Name, r.cycledBy[n.Name])
	case r.running[n.Name]:
		return fmt.Sprintf("%s runs already: stop or kill it first, or say restart", n.Name)
	}
	return ""
}

// mustBeHonest objects to an attacker and to a peer of the public DHT.
func (r *dryRun) mustBeHonest(n *Node) string {
	switch {
	case n.Hostile != "":
		return fmt.Sprintf("%s is hostile: this is for honest nodes", n.Name)
	case n.PublicDHT:
		return fmt.Sprintf("%s is a peer of the public DHT: this is for nodes", n.Name)
	}
	return ""
}

// both joins objections: the first that is raised counts.
func both(objections ...func(*Node) string) func(*Node) string {
	return func(n *Node) string {
		for _, o := range objections {
			if wrong := o(n); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}
