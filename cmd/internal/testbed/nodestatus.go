package testbed

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// nodeStatus is what the testbed needs of a node's status.
type nodeStatus struct {
	at          time.Duration
	attached    uint64
	pending     uint64
	peers       int
	state       string
	fingerprint string
	traffic     traffic // since the node's start
}

// newNodeStatus takes what the testbed needs from a node's status.
func newNodeStatus(s *api.Status, at time.Duration) nodeStatus {
	return nodeStatus{
		at: at, attached: s.Sync.Attached, pending: s.Sync.Pending, peers: s.Sync.Peers, state: s.Sync.State,
		fingerprint: s.Sync.Fingerprint, traffic: traffic{s.Traffic.In, s.Traffic.Out},
	}
}
