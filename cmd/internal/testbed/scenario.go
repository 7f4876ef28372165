package testbed

import "time"

// Scenario is the content of a file: nodes, links and steps. A scenario that [Parse] returns makes
// sense as a whole: names are those of nodes, and no step is impossible after the ones before it.
type Scenario struct {
	File  string // as it was given
	Title string
	About string
	Limit time.Duration // how long the whole may take
	Work  uint32        // effort for each KiB of a record
	// Routers are between nodes and the internet, in the order of the file: outer ones come first.
	// Without routers all nodes reach each other.
	Routers []*Router
	Nodes   []*Node // in the order of the file; n1..n3 are three
	// Links are the groups of nodes that reach each other when nothing is cut; none: all do.
	Links [][]string
	Steps []*Step
}

// Node is a node of a scenario.
type Node struct {
	Name    string
	Seeds   []string      // through which nodes it finds peers
	Relay   bool          // it relays for others
	Via     string        // the relay through which alone it is reached, "" for none
	Hostile string        // its mode of misbehaviour, "" for an honest node
	Clock   time.Duration // how far its clock is ahead
	Flags   []string      // further flags of lf node

	Behind  string // the router between it and the internet at the start, "" for none
	Profile string // of lf node, "" for the fabric's
	// PublicDHT makes it a peer of the public DHT in place of a node. Nodes that name it as
	// Rendezvous find each other through it.
	PublicDHT  bool
	Rendezvous []string
}

// Honest reports whether a node is a real one.
func (n *Node) Honest() bool { return n.Hostile == "" && !n.PublicDHT }

// Node returns the node of a name, nil when there is none.
func (s *Scenario) Node(name string) *Node {
	for _, n := range s.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Step is one action and where the file says it.
type Step struct {
	Name string // of the file, or made of the action
	Line int
	Do   Action
}

// Action is what a step does: one of the types below. Lists of nodes are names, without duplicates,
// in the order of the scenario's nodes.
type Action interface{ action() }

type (
	// Start starts nodes and returns when they are ready.
	Start struct{ Nodes []string }
	// Stop ends nodes in good order.
	Stop struct{ Nodes []string }
	// Kill ends nodes as a power cut does.
	Kill struct{ Nodes []string }
	// Wipe takes a stopped node's data away; it stays the same peer.
	Wipe struct{ Nodes []string }
	// Restart stops nodes, or kills them, and starts them again.
	Restart struct {
		Nodes []string
		Kill  bool
		After time.Duration // how long they are down
	}
	// Write makes records at nodes, as clients with keys of their own.
	Write struct {
		On     []string
		Count  int           // how many in all; 0: as many as Rate and For make
		Rate   float64       // records a second in all; 0: as fast as they are taken
		For    time.Duration // how long; 0: until Count are written
		Owners int           // keys at each node
		// Conflicts is how many names all owners claim; 0: every record has a name of its own.
		Conflicts  int
		Size       Range // bytes of a value
		Background bool
	}
	// Pulse has the services of nodes pulse once, dated Ago before now. Each of these nodes has a
	// service, whose value its first pulse sets.
	Pulse struct {
		On  []string
		Ago time.Duration
	}
	// Partition cuts all links but those within a group. A node may be in several groups.
	Partition struct{ Groups [][]string }
	// Isolate cuts the links between some nodes and others, or one way only. With Out, Nodes cannot
	// open connections to From. With In, they cannot be reached from there.
	Isolate struct {
		Nodes []string
		From  []string
		Way   Way
	}
	// Heal takes back what was cut at these nodes.
	Heal struct{ Nodes []string }
	// Flap cuts and heals links again and again; it ends healed.
	Flap struct {
		Groups     [][]string
		Down, Up   time.Duration
		Times      int
		Background bool
	}
	// Churn stops one of several nodes at random and starts it again, over and over. In the end all
	// run.
	Churn struct {
		Nodes      []string
		For        time.Duration
		Every      time.Duration
		Down       Span
		Kill       bool
		Background bool
	}
	// Skew sets nodes' clocks; those that run are restarted with it.
	Skew struct {
		Nodes  []string
		Offset time.Duration
	}
	// Move takes nodes to the network of another router.
	Move struct {
		Nodes  []string
		Behind string
	}
	// Wait lets time pass, or waits until what runs in the background has ended.
	Wait struct {
		For        time.Duration
		Background bool
	}
	// Expect is what must be true, within a time.
	Expect struct {
		Nodes  []string
		Within time.Duration
		// Converged: nodes that can reach each other have the same records. Among these are all
		// that were acknowledged there.
		Converged   bool
		Apart       bool // nodes that cannot reach each other have different records
		Synced      bool // each node says of itself that it is in sync
		SameAnswers bool // each gives the same answer to the same question
		NothingLost bool // each has every record that was ever acknowledged
		Bytes       *Bytes
		Dropped     []string // no connection of Nodes to these is left
		Connected   []string // each of Nodes has a connection to each of these
		Direct      []string // each of Nodes has a direct connection to each of these
		Relayed     []string // each of Nodes reaches each of these, through relays alone
		Alive       []string // each of Nodes says that the services of these are alive
		Lapsed      []string // each of Nodes says that the services of these are not alive
		Memory      uint64   // a node's resident bytes, at most; 0: any
	}
)

// Bytes is what a node may receive, counted from before the step Since on.
type Bytes struct {
	Most   uint64  // bytes; 0: any
	Factor float64 // times the bytes of the records that the node lacked; 0: any
	Slack  uint64  // on top of the factor's
	Since  int     // index of the step
}

// Range is a number of bytes, or any between two.
type Range struct{ From, To int }

// Span is a time, or any between two.
type Span struct{ From, To time.Duration }

// Way is a direction of links, as the node sees it that they are cut for.
type Way int

// The ways.
const (
	Both Way = iota
	Out
	In
)

func (Start) action()     {}
func (Stop) action()      {}
func (Kill) action()      {}
func (Wipe) action()      {}
func (Restart) action()   {}
func (Write) action()     {}
func (Pulse) action()     {}
func (Partition) action() {}
func (Isolate) action()   {}
func (Heal) action()      {}
func (Flap) action()      {}
func (Churn) action()     {}
func (Skew) action()      {}
func (Move) action()      {}
func (Wait) action()      {}
func (Expect) action()    {}
