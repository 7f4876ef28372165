package testbed

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// defaultWithin is how long an expectation may take to come true where it does not say.
const defaultWithin = 30 * time.Second

// standaloneChecks are the checks that can be the whole value of expect: "expect: converged".
var standaloneChecks = []string{"converged", "apart", "synced", "same-answers", "nothing-lost"}

func (r *dryRun) expectForm() form {
	a := Expect{Within: defaultWithin}
	fields := r.checkFields(&a)
	fields = append(fields,
		field{name: "within", kind: "time", doc: "how long it may take to come true (default: 30s)", read: r.duration(&a.Within)},
		field{name: "nodes", kind: "nodes", doc: "of which nodes (default: all honest ones that run)", read: r.nodes(&a.Nodes, both(r.mustBeHonest, r.mustRunOrReturn))},
	)
	alone := field{name: "", read: r.oneOf("an expectation that can stand alone", standaloneChecks, func(text string) {
		fields[slices.IndexFunc(fields, func(f field) bool { return f.name == text })].read(&value{kind: scalar, text: "true"})
	})}
	return form{
		fields: append(fields, alone), short: "",
		done: func(at position, given map[string]position) Action { return r.checkExpect(at, given, a) },
	}
}

func (r *dryRun) checkFields(a *Expect) []field {
	return []field{
		{name: "converged", kind: "true", doc: "nodes that can reach each other have the same records: all that were acknowledged there", read: r.onlyTrue(&a.Converged)},
		{name: "apart", kind: "true", doc: "nodes that cannot reach each other have different records", read: r.onlyTrue(&a.Apart)},
		{name: "synced", kind: "true", doc: "each node says of itself that it is in sync", read: r.onlyTrue(&a.Synced)},
		{name: "same-answers", kind: "true", doc: "each node gives the same answer to the same questions: to all about contested names, and to some others", read: r.onlyTrue(&a.SameAnswers)},
		{name: "nothing-lost", kind: "true", doc: "each node has every record that was ever acknowledged anywhere", read: r.onlyTrue(&a.NothingLost)},
		{name: "bytes", kind: "a mapping", doc: "what each node has received at most", read: r.readBytes(a)},
		{name: "dropped", kind: "nodes", doc: "no node has a connection to these any more", read: r.nodes(&a.Dropped, nil)},
		{name: "connected", kind: "nodes", doc: "every node has a connection to each of these, or has banned it already", read: r.nodes(&a.Connected, r.mustRunOrReturn)},
		{name: "direct", kind: "nodes", doc: "every node has a direct connection to each of these, by a hole punched or not", read: r.nodes(&a.Direct, r.mustRunOrReturn)},
		{name: "relayed", kind: "nodes", doc: "every node reaches each of these, and through relays alone", read: r.nodes(&a.Relayed, r.mustRunOrReturn)},
		{name: "alive", kind: "nodes", doc: "every node answers that the services of these are alive: they have a pulse of the last 4 minutes", read: r.nodes(&a.Alive, r.mustHavePulsed)},
		{name: "lapsed", kind: "nodes", doc: "every node answers that the services of these are not alive", read: r.nodes(&a.Lapsed, r.mustHavePulsed)},
		{name: "memory", kind: "size", doc: "what each node has in memory at most, such as 500MiB (on Linux)", read: r.size(&a.Memory)},
	}
}

func (r *dryRun) readBytes(a *Expect) func(*value) {
	return func(v *value) {
		a.Bytes = &Bytes{Since: -1}
		given := r.fields(v, "bytes", r.bytesFields(a.Bytes))
		if len(r.errs) > 0 {
			return
		}
		if a.Bytes.Factor == 0 && a.Bytes.Most == 0 {
			r.errorf(v.position, "bytes has no limit: say factor or most")
		}
		if a.Bytes.Factor == 0 && given["slack"] != (position{}) {
			r.errorf(given["slack"], "slack goes with factor: raise most instead")
		}
		if a.Bytes.Since < 0 {
			a.Bytes.Since = r.lastAction()
		}
	}
}

func (r *dryRun) bytesFields(b *Bytes) []field {
	return []field{
		{name: "factor", kind: "factor", doc: "this many times the bytes of the records that the node lacked, such as 1.15", read: r.factor(&b.Factor)},
		{name: "slack", kind: "size", doc: "this much more than the factor allows (default: nothing)", read: r.size(&b.Slack)},
		{name: "most", kind: "size", doc: "this much, such as 2MiB", read: r.size(&b.Most)},
		{name: "since", kind: "a step's name", doc: "counted from before this step (default: the last one that is neither wait nor expect)", read: func(v *value) {
			name, ok := r.scalar(v, "the name of a step")
			if !ok {
				return
			}
			if b.Since = slices.IndexFunc(r.scenario.Steps, func(s *Step) bool { return s.Name == name }); b.Since < 0 {
				r.unknownStep(v.position, name)
			}
		}},
	}
}

func (r *dryRun) unknownStep(at position, name string) {
	var names []string
	for _, s := range r.scenario.Steps {
		names = append(names, s.Name)
	}
	if near := nearest(name, names); near != "" {
		r.errorf(at, "no step before is called %q: did you mean %q?", name, near)
		return
	}
	r.errorf(at, "no step before is called %q: give one that name", name)
}

// lastAction is the index of the last step that does something.
func (r *dryRun) lastAction() int {
	for i, step := range slices.Backward(r.scenario.Steps) {
		switch step.Do.(type) {
		case Wait, Expect:
		default:
			return i
		}
	}
	return 0
}

// checkExpect checks that an expectation makes sense after the steps before it.
func (r *dryRun) checkExpect(at position, given map[string]position, a Expect) Action {
	r.hasExpect = true
	if !a.settles() && a.Bytes == nil && len(a.Dropped)+len(a.Connected)+len(a.Direct)+len(a.Relayed)+len(a.Alive)+len(a.Lapsed) == 0 && a.Memory == 0 {
		r.errorf(at, "nothing is expected here: say converged, nothing-lost or another of its words")
	}
	if len(a.Nodes) == 0 {
		a.Nodes = r.nodesWhere(func(n *Node) bool { return n.Honest() && (r.running[n.Name] || r.cycledBy[n.Name] != "") })
	}
	if len(a.Nodes) == 0 {
		r.errorf(at, "no honest node runs here: start one first")
		return a
	}
	if a.settles() && len(r.jobs) > 0 {
		r.errorf(at, "%s in the background, so that this may never settle: wait for it first (wait: background)", goesOn(r.jobs))
	}
	if a.Apart && len(r.links.components(a.Nodes)) < 2 {
		r.errorf(at, "these nodes can all reach each other: apart makes sense after partition or isolate")
	}
	for _, name := range a.Dropped {
		if slices.Contains(a.Nodes, name) && len(a.Nodes) == 1 {
			r.errorf(given["dropped"], "%s has no connection to itself: name others, or other nodes", name)
		}
	}
	return a
}

// settles reports whether the expectation may never come true while records are written or links
// change.
func (e *Expect) settles() bool {
	return e.Converged || e.Apart || e.Synced || e.SameAnswers || e.NothingLost
}

func goesOn(jobs []string) string {
	distinct := slices.Compact(slices.Sorted(slices.Values(jobs)))
	if len(distinct) == 1 {
		return fmt.Sprintf("%s goes on", distinct[0])
	}
	return strings.Join(distinct, " and ") + " go on"
}
