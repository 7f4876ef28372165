package simulation

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	lfsync "github.com/lf-store/lf/sync"
)

// opinion is what a node thinks of its peers, and which ones are in its mesh.
type opinion struct {
	lfsync.GossipDrops // a tracer already
	mu                 sync.Mutex
	scores             map[peer.ID]float64
	least              map[peer.ID]float64 // of all that it was
	mesh               map[peer.ID]bool
}

func newOpinion() *opinion {
	return &opinion{least: map[peer.ID]float64{}, mesh: map[peer.ID]bool{}}
}

func (o *opinion) inspect(scores map[peer.ID]float64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scores = scores
	for p, s := range scores {
		o.least[p] = min(o.least[p], s)
	}
}

func (o *opinion) Graft(p peer.ID, _ string) { o.place(p, true) }

func (o *opinion) Prune(p peer.ID, _ string) { o.place(p, false) }

func (o *opinion) place(p peer.ID, has bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mesh[p] = has
}

func (o *opinion) of(p peer.ID) (score, least float64, inMesh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.scores[p], o.least[p], o.mesh[p]
}

// options lets a node form the opinion.
func (o *opinion) options() []pubsub.Option {
	return []pubsub.Option{pubsub.WithRawTracer(o), pubsub.WithPeerScoreInspect(o.inspect, 500*time.Millisecond)}
}

func (n *node) id() peer.ID {
	return must(peer.IDFromPrivateKey(n.identity))(n.world.t)
}

// say gossips what its own node would not.
func (n *node) say(frame []byte) {
	w := n.world
	w.t.Helper()
	topic := w.network.GossipTopic()
	if err := n.pubsub.Publish(topic, frame); err != nil { //nolint:staticcheck // Sync has joined the topic, which can be joined once
		w.t.Fatal(err)
	}
}

// The best that a peer can be does not save its place. A seed that was in the mesh for hours, and
// the first with every record, loses it at the next heartbeat after one invalid record. After three
// it is read no more. A peer that never delivers anything keeps its place, and a good name.
func TestManners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ordinary(full(3))
		o := newOpinion()
		c.optionsOf = func(node int) []pubsub.Option {
			if node != 0 {
				return nil
			}
			return o.options()
		}
		// The third is so far away that whatever it could pass on has come before.
		c.latency = func(uint64) func(a, b int) time.Duration {
			return func(a, b int) time.Duration {
				if a == 2 || b == 2 {
					return 100 * time.Millisecond
				}
				return 10 * time.Millisecond
			}
		}
		w := newWorld(t, c)
		judge, best, silent := w.nodes[0], w.nodes[1], w.nodes[2]
		w.config.isSeed = func(p peer.ID) bool { return p == best.id() }
		w.start()
		w.settle()
		time.Sleep(4 * time.Hour)
		if score, least, inMesh := o.of(silent.id()); least < 0 || score < 9 || !inMesh {
			t.Errorf("who never delivered anything for hours: score %g, at least %g, in the mesh: %t", score, least, inMesh)
		}
		for range 30 {
			best.write(100)
			time.Sleep(time.Second)
		}
		// maxGoodScore, less what decayed in a second
		if score, _, inMesh := o.of(best.id()); score < 49 || score > 50 || !inMesh {
			t.Fatalf("the best there can be: score %g, in the mesh: %t", score, inMesh)
		}
		for i, want := range []struct{ above, below float64 }{{-100, -50}, {-400, -340}, {-900, -800}} {
			forged := best.compose(100).EncodeFrame()
			forged[len(forged)-1] ^= 1 // its value is another than it says
			best.say(forged)
			time.Sleep(1600 * time.Millisecond) // a heartbeat has passed, and scores were looked at
			if score, _, inMesh := o.of(best.id()); score < want.above || score >= want.below || inMesh {
				t.Errorf("%d invalid records: score %g, want %g to %g; in the mesh: %t", i+1, score, want.above, want.below, inMesh)
			}
		}
		r := best.compose(100)
		best.say(r.EncodeFrame())
		time.Sleep(time.Second)
		if _, ok, err := judge.store.Record(t.Context(), r.ID()); ok || err != nil {
			t.Error("a record was taken from a peer that is not read any more")
		}
		if _, least, inMesh := o.of(silent.id()); least < 0 || !inMesh {
			t.Errorf("who never did anything: score at least %g, in the mesh: %t", least, inMesh)
		}
	})
}
