package testbed

import (
	"context"

	"github.com/lf-store/lf/node/api"
)

// Fabric is what nodes are linked by. The testbed prepares it before the first node starts and closes it after the last
// one has ended.
type Fabric interface {
	// Prepare makes room for nodes and returns where each one's process is to run, in their order.
	Prepare(ctx context.Context, nodes []*Node) ([]Place, error)
	// Cut cuts exactly these links and opens all others; connections over a link that is cut end. It is called after
	// every change of the links, and again when a node has started, with every node that runs.
	Cut(ctx context.Context, cuts []Cut, running []Member) error
	// Close takes everything away again.
	Close() error
}

// Place is where a node's process runs.
type Place struct {
	Listen    string   // the multiaddr it listens on; with /p2p/ and its peer ID, others find it there
	APIListen string   // HOST:PORT of its API, port 0 for any
	Profile   string   // of the node
	Anywhere  bool     // it is not on loopback
	Command   []string // what its command line begins with: ip netns exec NAME
}

// Cut is a link that is cut one way: From cannot open connections to To. Connections that are there end, whoever opened
// them; To can open new ones to From, unless there is a cut for it as well.
type Cut struct{ From, To string }

// Member is a node that runs: its name, its peer ID, and the door to it. Hostile ones have no door.
type Member struct {
	Name, Peer string
	Door       Door
}

// Door is what the testbed asks of a node that runs.
type Door interface {
	// Status tells how the node is.
	Status(ctx context.Context) (*api.Status, error)
	// Peers lists the connected peers.
	Peers(ctx context.Context) ([]api.Peer, error)
	// Links returns what a new record should link to.
	Links(ctx context.Context, q api.LinksQuery) (*api.Links, error)
	// Submit takes a finished record.
	Submit(ctx context.Context, frame []byte) (*api.Submitted, error)
	// Query answers from the attached records.
	Query(ctx context.Context, q api.Query) (*api.QueryResult, error)
	// Block sets which peers the node refuses.
	Block(ctx context.Context, blocked []Blocked) error
}

// Blocked is a peer that a node refuses: to dial ("out"), to be dialled by ("in"), or both.
type Blocked struct {
	Peer      string `json:"peer"`
	Direction string `json:"direction"`
}
