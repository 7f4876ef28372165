package testbed

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rehearsal is a run of the steps on paper, while they are read: which nodes run after each, and
// which links are cut. A step that could not work is a mistake where it stands.
type rehearsal struct {
	*source
	scenario *Scenario
	links    *topology
	running  map[string]bool
	started  map[string]bool   // once, at least
	restless map[string]string // what starts and stops a node in the background
	flapping string            // what cuts links in the background
	jobs     []string          // what runs in the background
	expected bool              // something is, somewhere
}

func newRehearsal(s *source) *rehearsal {
	return &rehearsal{
		source: s, scenario: &Scenario{File: s.file}, links: newTopology(nil, nil),
		running: map[string]bool{}, started: map[string]bool{}, restless: map[string]string{},
	}
}

// Words for several nodes at once.
var crowds = map[string]func(*rehearsal, *Node) bool{
	"all":     func(*rehearsal, *Node) bool { return true },
	"honest":  func(_ *rehearsal, n *Node) bool { return n.Honest() },
	"hostile": func(_ *rehearsal, n *Node) bool { return n.Hostile != "" },
	"running": func(r *rehearsal, n *Node) bool { return r.running[n.Name] },
	"stopped": func(r *rehearsal, n *Node) bool { return !r.running[n.Name] },
}

const (
	maxNodes   = 200
	namesAKind = "a list of nodes: [a, b], n1..n5, all, honest, hostile, running or stopped"
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

// nodes reads a list of nodes. objection says what is wrong with one, "" for nothing.
func (r *rehearsal) nodes(to *[]string, objection func(*Node) string) func(*value) {
	return func(v *value) {
		items := []*value{v}
		if v.kind == list {
			items = v.list
		}
		chosen := map[string]bool{}
		for _, item := range items {
			for _, name := range r.named(item) {
				if n := r.scenario.Node(name); n != nil && objection != nil {
					if wrong := objection(n); wrong != "" {
						r.wrong(item.spot, "%s", wrong)
						break
					}
				}
				chosen[name] = true
			}
		}
		if len(items) == 0 {
			r.wrong(v.spot, "the list of nodes is empty")
		}
		*to = r.order(chosen)
	}
}

// named is what one item of a list of nodes stands for; what it does not stand for is a mistake.
func (r *rehearsal) named(item *value) []string {
	text, ok := r.scalar(item, namesAKind)
	if !ok {
		return nil
	}
	if crowd := crowds[text]; crowd != nil {
		var names []string
		for _, n := range r.scenario.Nodes {
			if crowd(r, n) {
				names = append(names, n.Name)
			}
		}
		if len(names) == 0 {
			r.wrong(item.spot, "no node is meant by %q here", text)
		}
		return names
	}
	names, ok := spread(text)
	if !ok {
		r.wrong(item.spot, "%q is no range of nodes such as n1..n5", text)
		return nil
	}
	for i, name := range names {
		if r.scenario.Node(name) == nil {
			r.noNode(item.spot, name)
			return names[:i]
		}
	}
	return names
}

func (r *rehearsal) noNode(at spot, name string) {
	all := r.names()
	switch near := nearest(name, append(slices.Clone(all), "all", "honest", "hostile", "running", "stopped")); {
	case len(all) == 0: // which was said already
	case strings.ContainsAny(name, ", "):
		r.wrong(at, "there is no node %q: write several as a list, [%s]", name, strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ' ' }), ", "))
	case near != "":
		r.wrong(at, "there is no node %q: did you mean %q?", name, near)
	default:
		r.wrong(at, "there is no node %q: the nodes are %s", name, listing(all))
	}
}

// names are those of all nodes.
func (r *rehearsal) names() []string {
	names := make([]string, len(r.scenario.Nodes))
	for i, n := range r.scenario.Nodes {
		names[i] = n.Name
	}
	return names
}

// order is the chosen nodes, as the scenario orders them.
func (r *rehearsal) order(chosen map[string]bool) []string {
	var names []string
	for _, n := range r.scenario.Nodes {
		if chosen[n.Name] {
			names = append(names, n.Name)
		}
	}
	return names
}

// those are the nodes that a test holds for.
func (r *rehearsal) those(test func(*Node) bool) []string {
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
func (r *rehearsal) groups(to *[][]string, whole bool) func(*value) {
	return func(v *value) {
		if v.kind != list {
			r.wrong(v.spot, "here belongs a list of groups such as [[a, b], [c, d]], not %s", [...]string{"nothing", "one word", "", "a mapping"}[v.kind])
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
		others := r.those(func(n *Node) bool { return !in[n.Name] })
		switch {
		case rest >= 0 && len(others) == 0:
			r.wrong(v.list[rest].spot, "there are no others: every node is in a group")
		case rest >= 0:
			(*to)[rest] = others
		case whole && len(others) > 0 && len(v.list) > 0:
			r.wrong(v.spot, "%s in no group: add what is missing, or the group others", isOrAre(others))
		}
		if len(v.list) < 2 && whole {
			r.wrong(v.spot, "this cuts nothing: it takes two groups at least")
		}
	}
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return listing(names) + " are"
}

// The objections to nodes.

func (r *rehearsal) runs(n *Node) string {
	switch {
	case r.restless[n.Name] != "":
		return fmt.Sprintf("%s may be down: %s goes on with it in the background, wait for it first (wait: background)", n.Name, r.restless[n.Name])
	case !r.running[n.Name]:
		return fmt.Sprintf("%s does not run here: start it first", n.Name)
	}
	return ""
}

func (r *rehearsal) rests(n *Node) string {
	switch {
	case r.restless[n.Name] != "":
		return fmt.Sprintf("%s may run: %s goes on with it in the background, wait for it first (wait: background)", n.Name, r.restless[n.Name])
	case r.running[n.Name]:
		return fmt.Sprintf("%s runs already: stop or kill it first, or say restart", n.Name)
	}
	return ""
}

func (r *rehearsal) honest(n *Node) string {
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
