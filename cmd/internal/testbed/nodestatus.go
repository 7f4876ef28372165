package testbed

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// readingOf takes what the testbed goes by out of a node's status.
func newNodeStatus(s *api.Status, at time.Duration) nodeStatus {
	return nodeStatus{
		at: at, attached: s.Sync.Attached, pending: s.Sync.Pending, peers: s.Sync.Peers, state: s.Sync.State,
		fingerprint: s.Sync.Fingerprint, traffic: traffic{s.Traffic.In, s.Traffic.Out},
	}
}
