package lfsync

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// mesh is with whom PubSub forwards records at once; all others are only told which ones there are.
// The zero value is ready.
type mesh struct {
	mu    sync.Mutex
	peers map[peer.ID]bool
}

func (m *mesh) set(p peer.ID, in bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !in:
		delete(m.peers, p)
	case m.peers == nil:
		m.peers = map[peer.ID]bool{p: true}
	default:
		m.peers[p] = true
	}
}

func (m *mesh) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers)
}

// Mesh returns how many peers are in the mesh.
func (d *GossipDrops) Mesh() int { return d.mesh.size() }

// Graft takes a peer into the mesh. There is one topic only.
func (d *GossipDrops) Graft(p peer.ID, _ string) { d.mesh.set(p, true) }

// Prune takes a peer out of it.
func (d *GossipDrops) Prune(p peer.ID, _ string) { d.mesh.set(p, false) }

// OnClosedOutboundStream is how a peer leaves that is gone: it is not pruned.
func (d *GossipDrops) OnClosedOutboundStream(p peer.ID) { d.mesh.set(p, false) }

// GossipStatus is how this node stands in the topic where records are gossiped.
type GossipStatus struct {
	// Peers are those in the topic, Mesh those of them that forward records to each other at once.
	Peers, Mesh int
}

// Gossip tells how this node stands in the topic; without gossip, or when it ends, there is nobody.
func (s *Sync) Gossip() (g GossipStatus) {
	if s.drops != nil {
		g.Mesh = s.drops.Mesh()
	}
	if s.gossip != nil {
		g.Peers = len(s.gossip.topic.ListPeers())
	}
	return g
}
