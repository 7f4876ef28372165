package testbed

import (
	"fmt"
	"slices"
	"time"
)

// actionSchema is the word for an action in a scenario, and how what follows it is read.
type actionSchema struct {
	name string
	doc  string
	// form returns what may follow the word, for a dry run that has come so far.
	form func(r *dryRun) form
}

// form is what may follow a word: a mapping of fields, or, in short, the value of one of them
// alone.
type form struct {
	fields []field
	short  string // the field that may stand alone, "" for none
	bare   bool   // nothing at all may follow
	// done returns the action. given is where each field stands. done reports what does not fit
	// together.
	done func(at position, given map[string]position) Action
}

// actionSchemas is the language of steps.
func actionSchemas() []actionSchema {
	return []actionSchema{
		{"start", "Starts nodes and waits until they are ready.", (*dryRun).startForm},
		{"stop", "Ends nodes in good order, as Ctrl-C does.", (*dryRun).stopForm},
		{"kill", "Ends nodes at once, as a power cut does (kill -9).", (*dryRun).killForm},
		{"restart", "Stops or kills nodes and starts them again.", (*dryRun).restartForm},
		{"wipe", "Takes the data of stopped nodes away. They stay the same peers.", (*dryRun).wipeForm},
		{"write", "Makes records at nodes, as clients with keys of their own.", (*dryRun).writeForm},
		{"pulse", "Has services say that they are alive, each once. Each node has one: a value that its first pulse sets.", (*dryRun).pulseForm},
		{"partition", "Cuts all links but those within a group, and opens what was cut before. A node may be in several groups.", (*dryRun).partitionForm},
		{"isolate", "Cuts further links: those between some nodes and others.", (*dryRun).isolateForm},
		{"heal", "Takes back what was cut.", (*dryRun).healForm},
		{"flap", "Partitions and heals again and again; it ends healed.", (*dryRun).flapForm},
		{"churn", "Stops one of several nodes at random and starts it again, over and over; in the end all run.", (*dryRun).churnForm},
		{"skew", "Sets nodes' clocks. Nodes that run are restarted with it.", (*dryRun).skewForm},
		{"move", "Takes nodes to the network of another router, as a laptop is carried: their addresses change while they run.", (*dryRun).moveForm},
		{"wait", "Lets time pass, or waits until what runs in the background has ended.", (*dryRun).waitForm},
		{"expect", "Checks what must be true, again and again until it is, for as long as within says.", (*dryRun).expectForm},
	}
}

func (r *dryRun) startForm() form {
	var a Start
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.mustRest)}}, short: "nodes",
		done: func(at position, _ map[string]position) Action {
			for _, name := range a.Nodes {
				if via := r.scenario.Node(name).Via; via != "" && !r.running[via] && !slices.Contains(a.Nodes, via) {
					r.errorf(at, "%s is reached through %s, which does not run here: start that one too", name, via)
				}
			}
			r.setRunning(a.Nodes, true)
			return a
		},
	}
}

func (r *dryRun) setRunning(nodes []string, running bool) {
	for _, name := range nodes {
		r.running[name] = running
		r.started[name] = r.started[name] || running
	}
}

func (r *dryRun) stopForm() form {
	var a Stop
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.mustRun)}}, short: "nodes",
		done: func(position, map[string]position) Action {
			r.setRunning(a.Nodes, false)
			return a
		},
	}
}

func (r *dryRun) killForm() form {
	var a Kill
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.mustRun)}}, short: "nodes",
		done: func(position, map[string]position) Action {
			r.setRunning(a.Nodes, false)
			return a
		},
	}
}

func (r *dryRun) restartForm() form {
	var a Restart
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.mustRun)},
			{name: "kill", kind: "true or false", doc: "at once, instead of in good order", read: r.boolean(&a.Kill)},
			{name: "after", kind: "time", doc: "how long they are down (default: not at all)", read: r.duration(&a.After)},
		},
		short: "nodes",
		done:  func(position, map[string]position) Action { return a },
	}
}

func (r *dryRun) wipeForm() form {
	var a Wipe
	rests := func(n *Node) string {
		if r.running[n.Name] || r.cycledBy[n.Name] != "" {
			return fmt.Sprintf("%s runs, or may run: stop or kill it first", n.Name)
		}
		return ""
	}
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, both(r.mustBeHonest, rests))}}, short: "nodes",
		done: func(position, map[string]position) Action { return a },
	}
}

// The limits of a write.
const (
	maxRecords   = 1_000_000
	maxOwners    = 1000
	maxConflicts = 10_000
	// maxValue leaves room for what sealing adds, on a network that takes the largest values
	// possible.
	maxValue = 60_000
)

func (r *dryRun) writeForm() form {
	a := Write{Owners: 1, Size: Range{64, 64}}
	return form{
		fields: []field{
			{name: "on", kind: "nodes", doc: "at which nodes, in turn (default: all honest ones that run)", read: r.nodes(&a.On, both(r.mustBeHonest, r.mustRunOrReturn))},
			{name: "count", kind: "number", doc: "how many, in all", read: r.count(&a.Count, 1, maxRecords)},
			{name: "rate", kind: "rate", doc: "how many a second, in all (default: as fast as they are taken)", read: r.rate(&a.Rate)},
			{name: "for", kind: "time", doc: "how long", read: r.duration(&a.For)},
			{name: "owners", kind: "number", doc: "how many keys to sign with at each node (default: 1)", read: r.count(&a.Owners, 1, maxOwners)},
			{name: "conflicts", kind: "number", doc: "how many names all owners write to, in all writes with conflicts (default: every record has a name of its own)", read: r.count(&a.Conflicts, 1, maxConflicts)},
			{name: "size", kind: "bytes", doc: "how large a value is: 100, or 16..512 for any between (default: 64)", read: r.bytes(&a.Size, maxValue)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.boolean(&a.Background)},
		},
		done: func(at position, _ map[string]position) Action {
			if a.Count == 0 && a.For == 0 {
				r.errorf(at, "this write has no end: say count or for")
			}
			if len(a.On) == 0 {
				a.On = r.nodesWhere(func(n *Node) bool { return n.Honest() && r.running[n.Name] })
			}
			if len(a.On) == 0 {
				r.errorf(at, "no honest node runs here to write at: start one first")
			}
			if a.Background {
				r.jobs = append(r.jobs, "write")
			}
			return a
		},
	}
}

// mustRunOrReturn objects to a node that is down. A node that something in the background stops and
// starts may be down: the step waits for it.
func (r *dryRun) mustRunOrReturn(n *Node) string {
	if r.cycledBy[n.Name] != "" {
		return ""
	}
	return r.mustRun(n)
}

func (r *dryRun) partitionForm() form {
	var a Partition
	return form{
		fields: []field{{name: "groups", kind: "groups", doc: "the nodes that can still reach each other, such as [[a, b], [c, d]]; others is a group of all the rest", must: true, read: r.groups(&a.Groups, true)}},
		short:  "groups",
		done: func(at position, _ map[string]position) Action {
			r.mustHaveNoRouters(at, "partition")
			r.mustNotFlap(at)
			r.links.partition(a.Groups)
			return a
		},
	}
}

// mustNotFlap objects to changing links that something in the background changes.
func (r *dryRun) mustNotFlap(at position) {
	if r.flappedBy != "" {
		r.errorf(at, "flap goes on in the background and sets the links itself: wait for it first (wait: background)")
	}
}

func (r *dryRun) isolateForm() form {
	var a Isolate
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "whom", must: true, read: r.nodes(&a.Nodes, nil)},
			{name: "from", kind: "nodes", doc: "from whom (default: from all others)", read: r.nodes(&a.From, nil)},
			{name: "way", kind: "both, out or in", doc: "out: they cannot open connections, but can be reached; in: the other way round (default: both). Connections that were opened that way end", read: r.oneOf("a way", []string{"both", "out", "in"}, func(text string) {
				a.Way = map[string]Way{"out": Out, "in": In}[text]
			})},
		},
		short: "nodes",
		done: func(at position, given map[string]position) Action {
			r.mustHaveNoRouters(at, "isolate")
			r.mustNotFlap(at)
			if _, said := given["from"]; !said {
				a.From = r.nodesWhere(func(n *Node) bool { return !slices.Contains(a.Nodes, n.Name) })
			}
			if len(a.From) == 0 || slices.Equal(a.From, a.Nodes) && len(a.Nodes) < 2 {
				r.errorf(at, "this cuts nothing: there is nobody to isolate them from")
			}
			r.links.isolate(a.Nodes, a.From, a.Way)
			return a
		},
	}
}

func (r *dryRun) healForm() form {
	var a Heal
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "at which nodes (default: all)", read: r.nodes(&a.Nodes, nil)}}, short: "nodes", bare: true,
		done: func(at position, _ map[string]position) Action {
			r.mustNotFlap(at)
			if len(a.Nodes) == 0 {
				a.Nodes = r.names()
			}
			if !r.links.heal(a.Nodes) && r.flappedBy == "" {
				r.errorf(at, "nothing is cut here: heal comes after partition or isolate")
			}
			return a
		},
	}
}

func (r *dryRun) flapForm() form {
	a := Flap{Down: time.Second, Up: time.Second, Times: 5}
	return form{
		fields: []field{
			{name: "groups", kind: "groups", doc: "as of partition", must: true, read: r.groups(&a.Groups, true)},
			{name: "down", kind: "time", doc: "how long the links are cut (default: 1s)", read: r.duration(&a.Down)},
			{name: "up", kind: "time", doc: "how long they are open (default: 1s)", read: r.duration(&a.Up)},
			{name: "times", kind: "number", doc: "how often (default: 5)", read: r.count(&a.Times, 1, 10_000)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.boolean(&a.Background)},
		},
		short: "groups",
		done: func(at position, _ map[string]position) Action {
			r.mustHaveNoRouters(at, "flap")
			r.mustNotFlap(at)
			r.links.partition(nil)
			r.links.heal(r.names())
			if a.Background {
				r.jobs, r.flappedBy = append(r.jobs, "flap"), "flap"
			}
			return a
		},
	}
}

func (r *dryRun) churnForm() form {
	a := Churn{Every: time.Second, Down: Span{time.Second, 3 * time.Second}}
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, both(r.mustBeHonest, r.mustRun))},
			{name: "for", kind: "time", doc: "how long", must: true, read: r.duration(&a.For)},
			{name: "every", kind: "time", doc: "after how long the next one goes (default: 1s)", read: r.duration(&a.Every)},
			{name: "down", kind: "times", doc: "how long each one is away: 2s, or 1s..5s for any between (default: 1s..3s)", read: r.span(&a.Down)},
			{name: "kill", kind: "true or false", doc: "kill them, instead of stopping them", read: r.boolean(&a.Kill)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.boolean(&a.Background)},
		},
		done: func(position, map[string]position) Action {
			if a.Background {
				r.jobs = append(r.jobs, "churn")
				for _, name := range a.Nodes {
					r.cycledBy[name] = "churn"
				}
			}
			return a
		},
	}
}

func (r *dryRun) skewForm() form {
	var a Skew
	calm := func(n *Node) string {
		if r.cycledBy[n.Name] != "" {
			return r.mustRun(n)
		}
		return ""
	}
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "whose", must: true, read: r.nodes(&a.Nodes, both(r.mustBeHonest, calm))},
			{name: "offset", kind: "offset", doc: "how far their clocks are ahead, such as +90s, or behind, such as -2m", must: true, read: r.offset(&a.Offset)},
		},
		done: func(position, map[string]position) Action { return a },
	}
}

func (r *dryRun) waitForm() form {
	var a Wait
	return form{
		fields: []field{{name: "for", kind: "time, or background", doc: "how long, or background: until what runs there has ended", must: true, read: func(v *value) {
			if v.kind == scalar && v.text == "background" {
				a.Background = true
				return
			}
			r.duration(&a.For)(v)
		}}},
		short: "for",
		done: func(at position, _ map[string]position) Action {
			if a.Background {
				if len(r.jobs) == 0 {
					r.errorf(at, "nothing runs in the background here: leave this step out")
				}
				r.jobs, r.flappedBy = nil, ""
				clear(r.cycledBy)
			}
			return a
		},
	}
}
