package lfsync

import (
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// offers decides which of the messages that peers outside the mesh offer (IHAVE) the router may ask
// for (IWANT). By itself it asks every peer that offers a message until a copy has come. So a node
// that comes back would get the records of the last seconds from each of its peers, beside the ones
// that it fetches. The zero value lets everything pass but what somebody was just asked for.
type offers struct {
	mu    sync.Mutex
	topic string      // where records are gossiped
	away  func() bool // nil: never
	asked *lru.Cache[string, time.Time]
}

// follow has offers of records in a topic ignored while away reports true. It is called in
// PubSub's goroutine and must not wait.
func (o *offers) follow(topic string, away func() bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.topic, o.away = topic, away
}

// Inspect is what [GossipDrops.Options] have PubSub call with what a peer sends, for those who want
// to look at it themselves.
func (d *GossipDrops) Inspect(p peer.ID, rpc *pubsub.RPC) error { return d.offers.inspect(p, rpc) }

// inspect takes out of a peer's offers what is not to be asked for.
func (o *offers) inspect(_ peer.ID, rpc *pubsub.RPC) error {
	control := rpc.GetControl()
	if len(control.GetIhave()) == 0 {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	control.Ihave = slices.DeleteFunc(control.Ihave, func(have *pb.ControlIHave) bool {
		if o.away != nil && have.GetTopicID() == o.topic && o.away() {
			return true
		}
		have.MessageIDs = slices.DeleteFunc(have.MessageIDs, func(id string) bool { return !o.mayAsk(id, now) })
		return len(have.MessageIDs) == 0
	})
	return nil
}

// mayAsk reports whether nobody was asked for a message lately, and notes that somebody is now.
func (o *offers) mayAsk(id string, now time.Time) bool {
	if o.asked == nil {
		o.asked = newCache[string, time.Time](maxOffers)
	}
	if last, ok := o.asked.Peek(id); ok && now.Sub(last) < offerTime {
		return false
	}
	o.asked.Add(id, now)
	return true
}
