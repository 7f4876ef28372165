package lfsync

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
)

// What one peer was just asked for is not asked of the others that offer it. A node that catches up
// takes no offers of records.
func TestOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := false
		o := new(offers)
		o.follow("records", func() bool { return away })
		offer := func(topic string, ids ...string) (left []string) {
			rpc := &pubsub.RPC{RPC: pb.RPC{Control: &pb.ControlMessage{Ihave: []*pb.ControlIHave{{TopicID: &topic, MessageIDs: ids}}}}}
			if err := o.inspect("peer", rpc); err != nil {
				t.Fatal(err)
			}
			for _, have := range rpc.GetControl().GetIhave() {
				left = append(left, have.GetMessageIDs()...)
			}
			return left
		}
		for _, c := range []struct {
			after       time.Duration
			away        bool
			topic       string
			offers, ask []string
		}{
			{0, false, "records", []string{"a", "b"}, []string{"a", "b"}},
			{0, false, "records", []string{"b", "c"}, []string{"c"}},
			{time.Second, false, "records", []string{"a", "b", "c"}, nil},
			// who was asked did not send it
			{time.Second, false, "records", []string{"a", "b", "c"}, []string{"a", "b", "c"}},
			{time.Minute, true, "records", []string{"d", "e"}, nil},
			{0, true, "pulses", []string{"p"}, []string{"p"}},
			{0, false, "records", []string{"d"}, []string{"d"}},
		} {
			time.Sleep(c.after)
			away = c.away
			if left := offer(c.topic, c.offers...); !slices.Equal(left, c.ask) {
				t.Errorf("of %v in %s %v is left, want %v", c.offers, c.topic, left, c.ask)
			}
		}
		if err := o.inspect("peer", &pubsub.RPC{}); err != nil {
			t.Error(err)
		}
	})
}
