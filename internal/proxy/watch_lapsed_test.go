package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestWatchRevives: a claim lapses for the proxy a moment before it does for the node, and the next
// pulse comes in between. The node never tells of a lapse, and the watcher hears that the claim is
// alive all the same.
func TestWatchRevives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 1)
		r := w.write("svc#1", "here")
		least := uint64(w.network.LeastAlive().Seconds())
		x := w.watchRequest(t, api.WatchRequest{Decrypt: true, Alive: least, Keys: []api.WatchKey{{Selectors: api.MustSelectors("svc#1")}}})
		x.hears("here", time.Second)
		beat := func(second uint64) {
			t.Helper()
			p := w.network.NewPulse(r.ID(), second, w.owner.PrivateKey)
			done, err := w.nodes[0].Fake.Pulse(t.Context(), api.PulseRequest{Pulses: [][]byte{p.Encode()}})
			if err != nil || done.Pulses[0].State != api.PulseAccepted {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		want := func(event string, within time.Duration) {
			t.Helper()
			if e := x.next(within); e == nil || e.Event != event {
				t.Fatalf("want %s, heard %+v", event, e)
			}
		}
		second := uint64(time.Now().Unix())
		beat(second)
		want(api.WatchAlive, time.Second)
		time.Sleep(900 * time.Millisecond)
		w.write("elsewhere", "x") // the node looks again, and counts whole seconds from here
		want(api.WatchLapsed, time.Duration(least+2)*time.Second)
		beat(second + protocolInterval)
		want(api.WatchAlive, 2*time.Second)
	})
}

const protocolInterval = uint64(protocol.PulseInterval / time.Second)
