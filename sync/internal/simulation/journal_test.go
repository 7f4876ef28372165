package simulation

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// journal notes when which node attached what.
type journal struct {
	mu      sync.Mutex
	nodes   int
	written map[protocol.ID]*story
	order   []protocol.ID
	last    time.Time // something was attached
}

// story is what became of one record.
type story struct {
	at     time.Time
	author int
	took   map[int]time.Duration // by node, the author's not
}

func newJournal(nodes int) *journal {
	return &journal{nodes: nodes, written: make(map[protocol.ID]*story)}
}

// write notes that a node is about to submit a record.
func (j *journal) write(author int, id protocol.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.written[id] = &story{at: time.Now(), author: author, took: make(map[int]time.Duration)}
	j.order = append(j.order, id)
}

func (j *journal) attached(node int, items []lfsync.Item) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = time.Now()
	for _, it := range items {
		if s := j.written[it.ID]; s != nil && s.author != node {
			s.took[node] = time.Since(s.at)
		}
	}
}

// count returns how many records were written.
func (j *journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.order)
}

// lastChange returns when something was last attached somewhere.
func (j *journal) lastChange() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// spread returns how long the records from the nth on took to each node that has them, in order,
// and how long each took to the last node.
func (j *journal) spread(from int) (each, last durations) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range j.order[from:] {
		took := slices.Collect(maps.Values(j.written[id].took))
		each = append(each, took...)
		if len(took) > 0 {
			last = append(last, slices.Max(took))
		}
	}
	slices.Sort(each)
	slices.Sort(last)
	return each, last
}

// durations are sorted.
type durations []time.Duration

// at returns a percentile; 0 where there is nothing.
func (d durations) at(percent int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)-1, len(d)*percent/100)]
}

// gossipCounts counts what GossipSub does, as a tracer of it.
type gossipCounts struct {
	delivered, duplicates atomic.Int64
}

var _ pubsub.RawTracer = (*gossipCounts)(nil)

// DeliverMessage implements pubsub.RawTracer.
func (c *gossipCounts) DeliverMessage(*pubsub.Message) { c.delivered.Add(1) }

// DuplicateMessage implements pubsub.RawTracer.
func (c *gossipCounts) DuplicateMessage(*pubsub.Message) { c.duplicates.Add(1) }

// The rest of pubsub.RawTracer is of no interest here.
func (*gossipCounts) RejectMessage(*pubsub.Message, string)                {}
func (*gossipCounts) SendRPC(*pubsub.RPC, peer.ID)                         {}
func (*gossipCounts) OnNewOutboundStream(peer.ID, libprotocol.ID)          {}
func (*gossipCounts) OnClosedOutboundStream(peer.ID)                       {}
func (*gossipCounts) Join(string)                                          {}
func (*gossipCounts) Leave(string)                                         {}
func (*gossipCounts) Graft(peer.ID, string)                                {}
func (*gossipCounts) Prune(peer.ID, string)                                {}
func (*gossipCounts) ValidateMessage(*pubsub.Message)                      {}
func (*gossipCounts) ThrottlePeer(peer.ID)                                 {}
func (*gossipCounts) RecvRPC(*pubsub.RPC)                                  {}
func (*gossipCounts) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}
func (*gossipCounts) DropRPC(*pubsub.RPC, peer.ID)                         {}
func (*gossipCounts) UndeliverableMessage(*pubsub.Message)                 {}
