package lfsync

import "testing"

// TestMesh holds that a grafted peer counts, and that one which leaves does not any more, though
// nobody prunes it.
func TestMesh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, nil), w.newNode(t, nil)
	if g := a.Gossip(); g != (GossipStatus{}) {
		t.Errorf("alone: %+v", g)
	}
	connect(t, a.host, b.host)
	for _, n := range []*node{a, b} {
		eventually(t, "a mesh", func() bool { return n.Gossip() == GossipStatus{Peers: 1, Mesh: 1} })
	}
	if err := b.host.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no mesh", func() bool { return a.Gossip() == GossipStatus{} })
	a.drops.Graft("x", "")
	a.drops.Prune("x", "")
	if n := a.drops.Mesh(""); n != 0 {
		t.Errorf("%d in the mesh after who was grafted was pruned", n)
	}
}
