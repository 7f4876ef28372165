package testbed

import (
	"context"
	"net"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Fabric is what nodes are linked by. The testbed prepares it before the first node starts and
// closes it after the last one has ended.
type Fabric interface {
	// Prepare makes room for a scenario's nodes and returns where each one's process is to run, in
	// their order.
	Prepare(ctx context.Context, s *Scenario) ([]Place, error)
	// Cut cuts exactly these links and opens all others; connections over a link that is cut end.
	// It is called after every change of the links, and again when a node has started, with all
	// nodes.
	Cut(ctx context.Context, cuts []Cut, nodes []LinkedNode) error
	// Move takes a node, running or not, to the network behind a router. Only a fabric that has
	// routers can.
	Move(ctx context.Context, node, router string) error
	// Close takes everything away again.
	Close() error
}

// Place is where a node's process runs.
type Place struct {
	// Listen are the multiaddrs that it listens on; none if it is reached through a relay.
	Listen []string
	// At is where others find it, as multiaddrs without peer ID. If it is empty, the node has to
	// find them.
	At        []string
	APIListen string   // HOST:PORT of its API, port 0 for any
	Profile   string   // of the node
	Anywhere  bool     // it is not on loopback
	Command   []string // what its command line begins with, so that it runs there
	Dial      Dial     // how its API is reached (api.NewClientVia); nil: as usual
}

// Dial opens a connection to an address as the place of a node knows it.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// client returns a client of a node's API there.
func (p *Place) client(url, token string) *api.Client {
	if p.Dial == nil {
		return api.NewClient(url, token)
	}
	return api.NewClientVia(url, token, p.Dial)
}

// Cut is a link that is cut one way: From cannot open connections to To, and those that it has
// opened end. To can open new ones to From, unless there is a cut for that as well.
type Cut struct{ From, To string }

// LinkedNode is a node: its name, its peer ID, and its API. Hostile nodes have none, nor have those
// that are down.
type LinkedNode struct {
	Name, Peer string
	API        NodeAPI
}

// NodeAPI is the part of a node's API that the testbed uses; an [api.Client] has it.
type NodeAPI interface {
	api.Testbed
	// Status tells how the node is.
	Status(ctx context.Context) (*api.Status, error)
	// Peers lists the connected peers.
	Peers(ctx context.Context, p api.Page) (*api.PeerList, error)
	// Doctor says what works and what does not, and which peers are banned.
	Doctor(ctx context.Context) (*api.Checkup, error)
	// Links returns what a new record should link to.
	Links(ctx context.Context, q api.LinksQuery) (*api.Links, error)
	// Submit takes a finished record.
	Submit(ctx context.Context, frame []byte) (*api.Submitted, error)
	// Record returns one record.
	Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error)
	// Query answers from the attached records.
	Query(ctx context.Context, q api.Query) (*api.QueryResult, error)
	// Pulse takes pulses.
	Pulse(ctx context.Context, r api.PulseRequest) (*api.Pulsed, error)
}

var _ NodeAPI = (*api.Client)(nil)
