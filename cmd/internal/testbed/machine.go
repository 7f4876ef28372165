package testbed

import (
	"context"
	"time"
)

// machine runs one node, again and again. The node keeps its peer ID and, unless it is wiped, its
// data.
type machine interface {
	// peer is the node's peer ID.
	peer() string
	// start returns when the node answers. A hostile node has no API: nil.
	start(ctx context.Context, clock time.Duration) (NodeAPI, error)
	// stop ends it in good order.
	stop() error
	// kill ends it at once.
	kill() error
	// wipe takes its data away while it is down.
	wipe() error
	// ended is closed when the node that was started last has ended, by whatever cause.
	ended() <-chan struct{}
	// memory is how much it has in memory, false where that is not known.
	memory() (bytes uint64, known bool)
	// tail is what it said last.
	tail() string
}

// machineFactory makes machines for all nodes of a scenario, each in its place, and closes them.
type machineFactory interface {
	machines(nodes []*Node, places []Place) (map[string]machine, error)
	close() error
}
