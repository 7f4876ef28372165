package lfsync

import (
	"maps"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// mesh is with whom PubSub forwards messages of a topic at once; all others are only told which
// ones there are. The zero value is ready.
type mesh struct {
	mu    sync.Mutex
	peers map[string]map[peer.ID]bool // by topic
}

func (m *mesh) add(p peer.ID, topic string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers == nil {
		m.peers = map[string]map[peer.ID]bool{}
	}
	if m.peers[topic] == nil {
		m.peers[topic] = map[peer.ID]bool{}
	}
	m.peers[topic][p] = true
}

func (m *mesh) remove(p peer.ID, topic string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.peers[topic], p)
}

// of returns the peers that are in the mesh of a topic.
func (m *mesh) of(topic string) map[peer.ID]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.peers[topic])
}

// Mesh returns how many peers are in the mesh of a topic.
func (d *GossipDrops) Mesh(topic string) int { return len(d.mesh.of(topic)) }

// Graft takes a peer into a mesh.
func (d *GossipDrops) Graft(p peer.ID, topic string) { d.mesh.add(p, topic) }

// Prune takes a peer out of it.
func (d *GossipDrops) Prune(p peer.ID, topic string) { d.mesh.remove(p, topic) }

// OnClosedOutboundStream is how a peer leaves that is gone: it is not pruned.
func (d *GossipDrops) OnClosedOutboundStream(p peer.ID) {
	d.mesh.mu.Lock()
	defer d.mesh.mu.Unlock()
	for _, peers := range d.mesh.peers {
		delete(peers, p)
	}
}

// GossipStatus is how this node stands in the topic where records are gossiped.
type GossipStatus struct {
	// Peers are those in the topic, Mesh those of them that forward records to each other at once.
	Peers, Mesh int
}

// Gossip tells how this node stands in the topic; without gossip, or when it ends, there is nobody.
func (s *Sync) Gossip() (g GossipStatus) {
	if s.drops != nil {
		g.Mesh = s.drops.Mesh(gossipTopic(s.network))
	}
	if s.gossip != nil {
		g.Peers = len(s.gossip.topic.ListPeers())
	}
	return g
}
