package testbed

import (
	"fmt"
	"slices"
	"time"
)

// word is an action's word in a scenario, and how what follows it is read.
type word struct {
	name string
	doc  string
	// form reads what follows for a rehearsal that has come so far.
	form func(r *rehearsal) form
}

// form is what may follow a word: a mapping of fields, or, in short, the value of one of them
// alone.
type form struct {
	fields []field
	short  string // the field that may stand alone, "" for none
	bare   bool   // nothing at all may follow
	// done returns the action. given is where each field stands; what does not fit together is a
	// mistake.
	done func(at spot, given map[string]spot) Action
}

// words is the language of steps.
func words() []word {
	return []word{
		{"start", "Starts nodes and waits until they are ready.", (*rehearsal).startForm},
		{"stop", "Ends nodes in good order, as Ctrl-C does.", (*rehearsal).stopForm},
		{"kill", "Ends nodes at once, as a power cut does (kill -9).", (*rehearsal).killForm},
		{"restart", "Stops or kills nodes and starts them again.", (*rehearsal).restartForm},
		{"wipe", "Takes the data of stopped nodes away. They stay the same peers.", (*rehearsal).wipeForm},
		{"write", "Makes records at nodes, as clients with keys of their own.", (*rehearsal).writeForm},
		{"partition", "Cuts all links but those within a group; what was cut before is not any more. A node may be in several groups.", (*rehearsal).partitionForm},
		{"isolate", "Cuts the links between some nodes and others, besides those that are cut already.", (*rehearsal).isolateForm},
		{"heal", "Takes back what was cut.", (*rehearsal).healForm},
		{"flap", "Partitions and heals again and again; it ends healed.", (*rehearsal).flapForm},
		{"churn", "Stops a node of several, again and again at random, and starts it again; in the end all run.", (*rehearsal).churnForm},
		{"skew", "Sets nodes' clocks. Nodes that run are restarted with it.", (*rehearsal).skewForm},
		{"move", "Takes nodes to the network behind another router, as laptops are taken: their addresses change while they run.", (*rehearsal).moveForm},
		{"wait", "Lets time pass, or what runs in the background come to its end.", (*rehearsal).waitForm},
		{"expect", "Checks what must be true; it is repeated until it is, as long as within says.", (*rehearsal).expectForm},
	}
}

func (r *rehearsal) startForm() form {
	var a Start
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.rests)}}, short: "nodes",
		done: func(at spot, _ map[string]spot) Action {
			for _, name := range a.Nodes {
				if via := r.scenario.Node(name).Via; via != "" && !r.running[via] && !slices.Contains(a.Nodes, via) {
					r.wrong(at, "%s is reached through %s, which does not run here: start that one too", name, via)
				}
			}
			r.run(a.Nodes, true)
			return a
		},
	}
}

func (r *rehearsal) run(nodes []string, running bool) {
	for _, name := range nodes {
		r.running[name] = running
		r.started[name] = r.started[name] || running
	}
}

func (r *rehearsal) stopForm() form {
	var a Stop
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.runs)}}, short: "nodes",
		done: func(spot, map[string]spot) Action {
			r.run(a.Nodes, false)
			return a
		},
	}
}

func (r *rehearsal) killForm() form {
	var a Kill
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.runs)}}, short: "nodes",
		done: func(spot, map[string]spot) Action {
			r.run(a.Nodes, false)
			return a
		},
	}
}

func (r *rehearsal) restartForm() form {
	var a Restart
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, r.runs)},
			{name: "kill", kind: "true or false", doc: "at once, instead of in good order", read: r.truth(&a.Kill)},
			{name: "after", kind: "time", doc: "how long they are down (default: not at all)", read: r.duration(&a.After)},
		},
		short: "nodes",
		done:  func(spot, map[string]spot) Action { return a },
	}
}

func (r *rehearsal) wipeForm() form {
	var a Wipe
	rests := func(n *Node) string {
		if r.running[n.Name] || r.restless[n.Name] != "" {
			return fmt.Sprintf("%s runs, or may run: stop or kill it first", n.Name)
		}
		return ""
	}
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, both(r.honest, rests))}}, short: "nodes",
		done: func(spot, map[string]spot) Action { return a },
	}
}

// The limits of a write.
const (
	maxRecords   = 1_000_000
	maxOwners    = 1000
	maxConflicts = 10_000
	// maxValue leaves room for what sealing adds, on a network that takes the largest values there
	// are.
	maxValue = 60_000
)

func (r *rehearsal) writeForm() form {
	a := Write{Owners: 1, Size: Range{64, 64}}
	return form{
		fields: []field{
			{name: "on", kind: "nodes", doc: "at which nodes, in turn (default: all honest ones that run)", read: r.nodes(&a.On, both(r.honest, r.runsOrReturns))},
			{name: "count", kind: "number", doc: "how many, in all", read: r.count(&a.Count, 1, maxRecords)},
			{name: "rate", kind: "rate", doc: "how many a second, in all (default: as fast as they are taken)", read: r.rate(&a.Rate)},
			{name: "for", kind: "time", doc: "how long", read: r.duration(&a.For)},
			{name: "owners", kind: "number", doc: "how many keys to sign with at each node (default: 1)", read: r.count(&a.Owners, 1, maxOwners)},
			{name: "conflicts", kind: "number", doc: "all owners write to the same names, so many; other writes with conflicts do so too (default: every record has a name of its own)", read: r.count(&a.Conflicts, 1, maxConflicts)},
			{name: "size", kind: "bytes", doc: "how large a value is: 100, or 16..512 for any between (default: 64)", read: r.bytes(&a.Size, maxValue)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.truth(&a.Background)},
		},
		done: func(at spot, _ map[string]spot) Action {
			if a.Count == 0 && a.For == 0 {
				r.wrong(at, "this write has no end: say count or for")
			}
			if len(a.On) == 0 {
				a.On = r.those(func(n *Node) bool { return n.Honest() && r.running[n.Name] })
			}
			if len(a.On) == 0 {
				r.wrong(at, "no honest node runs here to write at: start one first")
			}
			if a.Background {
				r.jobs = append(r.jobs, "write")
			}
			return a
		},
	}
}

// runsOrReturns objects to a node that is down. One that something in the background stops and
// starts is waited for.
func (r *rehearsal) runsOrReturns(n *Node) string {
	if r.restless[n.Name] != "" {
		return ""
	}
	return r.runs(n)
}

func (r *rehearsal) partitionForm() form {
	var a Partition
	return form{
		fields: []field{{name: "groups", kind: "groups", doc: "who can still reach whom, such as [[a, b], [c, d]]; others is a group of all the rest", must: true, read: r.groups(&a.Groups, true)}},
		short:  "groups",
		done: func(at spot, _ map[string]spot) Action {
			r.unrouted(at, "partition")
			r.still(at)
			r.links.partition(a.Groups)
			return a
		},
	}
}

// still objects to changing links that something in the background changes.
func (r *rehearsal) still(at spot) {
	if r.flapping != "" {
		r.wrong(at, "flap goes on in the background and sets the links itself: wait for it first (wait: background)")
	}
}

func (r *rehearsal) isolateForm() form {
	var a Isolate
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "whom", must: true, read: r.nodes(&a.Nodes, nil)},
			{name: "from", kind: "nodes", doc: "from whom (default: from all others)", read: r.nodes(&a.From, nil)},
			{name: "way", kind: "both, out or in", doc: "out: they cannot open connections any more, but can be reached; in: the other way round (default: both). Connections that were opened that way end", read: r.oneOf("a way", []string{"both", "out", "in"}, func(text string) {
				a.Way = map[string]Way{"out": Out, "in": In}[text]
			})},
		},
		short: "nodes",
		done: func(at spot, given map[string]spot) Action {
			r.unrouted(at, "isolate")
			r.still(at)
			if _, said := given["from"]; !said {
				a.From = r.those(func(n *Node) bool { return !slices.Contains(a.Nodes, n.Name) })
			}
			if len(a.From) == 0 || slices.Equal(a.From, a.Nodes) && len(a.Nodes) < 2 {
				r.wrong(at, "this cuts nothing: there is nobody to isolate them from")
			}
			r.links.isolate(a.Nodes, a.From, a.Way)
			return a
		},
	}
}

func (r *rehearsal) healForm() form {
	var a Heal
	return form{
		fields: []field{{name: "nodes", kind: "nodes", doc: "at which nodes (default: all)", read: r.nodes(&a.Nodes, nil)}}, short: "nodes", bare: true,
		done: func(at spot, _ map[string]spot) Action {
			r.still(at)
			if len(a.Nodes) == 0 {
				a.Nodes = r.names()
			}
			if !r.links.heal(a.Nodes) && r.flapping == "" {
				r.wrong(at, "nothing is cut here: heal comes after partition or isolate")
			}
			return a
		},
	}
}

func (r *rehearsal) flapForm() form {
	a := Flap{Down: time.Second, Up: time.Second, Times: 5}
	return form{
		fields: []field{
			{name: "groups", kind: "groups", doc: "as of partition", must: true, read: r.groups(&a.Groups, true)},
			{name: "down", kind: "time", doc: "how long the links are cut (default: 1s)", read: r.duration(&a.Down)},
			{name: "up", kind: "time", doc: "how long they are open (default: 1s)", read: r.duration(&a.Up)},
			{name: "times", kind: "number", doc: "how often (default: 5)", read: r.count(&a.Times, 1, 10_000)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.truth(&a.Background)},
		},
		short: "groups",
		done: func(at spot, _ map[string]spot) Action {
			r.unrouted(at, "flap")
			r.still(at)
			r.links.partition(nil)
			r.links.heal(r.names())
			if a.Background {
				r.jobs, r.flapping = append(r.jobs, "flap"), "flap"
			}
			return a
		},
	}
}

func (r *rehearsal) churnForm() form {
	a := Churn{Every: time.Second, Down: Span{time.Second, 3 * time.Second}}
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "which", must: true, read: r.nodes(&a.Nodes, both(r.honest, r.runs))},
			{name: "for", kind: "time", doc: "how long", must: true, read: r.duration(&a.For)},
			{name: "every", kind: "time", doc: "after how long the next one goes (default: 1s)", read: r.duration(&a.Every)},
			{name: "down", kind: "times", doc: "how long each one is away: 2s, or 1s..5s for any between (default: 1s..3s)", read: r.span(&a.Down)},
			{name: "kill", kind: "true or false", doc: "kill them, instead of stopping them", read: r.truth(&a.Kill)},
			{name: "background", kind: "true or false", doc: "go on with the next step meanwhile", read: r.truth(&a.Background)},
		},
		done: func(spot, map[string]spot) Action {
			if a.Background {
				r.jobs = append(r.jobs, "churn")
				for _, name := range a.Nodes {
					r.restless[name] = "churn"
				}
			}
			return a
		},
	}
}

func (r *rehearsal) skewForm() form {
	var a Skew
	calm := func(n *Node) string {
		if r.restless[n.Name] != "" {
			return r.runs(n)
		}
		return ""
	}
	return form{
		fields: []field{
			{name: "nodes", kind: "nodes", doc: "whose", must: true, read: r.nodes(&a.Nodes, both(r.honest, calm))},
			{name: "offset", kind: "offset", doc: "how far their clocks are ahead, such as +90s, or behind, such as -2m", must: true, read: r.offset(&a.Offset)},
		},
		done: func(spot, map[string]spot) Action { return a },
	}
}

func (r *rehearsal) waitForm() form {
	var a Wait
	return form{
		fields: []field{{name: "for", kind: "time, or background", doc: "how long; background: until all that runs in the background has ended", must: true, read: func(v *value) {
			if v.kind == scalar && v.text == "background" {
				a.Background = true
				return
			}
			r.duration(&a.For)(v)
		}}},
		short: "for",
		done: func(at spot, _ map[string]spot) Action {
			if a.Background {
				if len(r.jobs) == 0 {
					r.wrong(at, "nothing runs in the background here: leave this step out")
				}
				r.jobs, r.flapping = nil, ""
				clear(r.restless)
			}
			return a
		},
	}
}
