package simulation

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// inventing makes a valid record with as many links as there may be, to records that nobody has.
func (n *node) inventing() *protocol.Record {
	w := n.world
	w.t.Helper()
	d := protocol.Draft{Type: 6, Owner: protocol.OwnerOf(n.owner), Timestamp: uint64(time.Now().UnixMilli()), Links: make([]protocol.ID, protocol.MaxLinks)}
	for i := range d.Links {
		rand.Read(d.Links[i][:])
	}
	r := must(w.network.Compose(d))(w.t)
	return must(w.network.Sign(r, n.owner))(w.t)
}

// Invented ancestors cost a bounded place and a bounded number of questions. Comparisons go on,
// find what gossip did not bring, and every node knows that it is in sync.
func TestInventedAncestors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ordinary(full(4)))
		w.start()
		w.settle()
		liar, honest := w.nodes[0], w.nodes[1:]
		asked := func() (sent int64) {
			for _, n := range honest {
				sent += n.traffic.sentBy()["fetch"]
			}
			return sent
		}
		before := asked()
		const records = 1537 // with 16 invented links each: more than a comparison lets be wanted
		for range records {
			liar.say(liar.inventing().EncodeFrame())
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(15 * time.Second)
		for _, n := range honest {
			if _, waiting := n.store.Count(); waiting != records {
				t.Fatalf("%d of %d pending records reached node %d", waiting, records, n.index)
			}
		}
		// In these 30 seconds each may ask each other one for 1,024 names and 32 more a second, at
		// 8 bytes a name.
		if got, most := asked()-before, int64(len(honest)*(len(w.nodes)-1)*(1024+32*31)*8*3/2); got > most {
			t.Errorf("asking took %d bytes, want at most %d", got, most)
		}
		lost := honest[0].compose(200)
		honest[0].load(lost) // gossip knows nothing of it, and brings a record that may link to it
		honest[0].write(100)
		for _, n := range honest {
			st := n.knowsInSync(20 * time.Second)
			if st.Named == 0 || st.Named > 1<<13 {
				t.Errorf("node %d: %+v", n.index, st)
			}
			w.await(20*time.Second, "a comparison brings what gossip did not", func() bool {
				_, ok, err := n.store.Record(t.Context(), lost.ID())
				return ok && err == nil
			})
		}
		time.Sleep(20 * time.Minute)
		for _, n := range honest {
			if st := n.sync.Status().Sync; st.State != lfsync.StateSynced || st.Agreeing < len(honest)-1 {
				t.Errorf("node %d later: %+v", n.index, st)
			}
		}
	})
}
