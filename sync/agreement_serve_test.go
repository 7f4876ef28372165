package lfsync

import (
	"bytes"
	"testing"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

// A responder agrees with a peer whose first message shows that all is equal up to its bound, and
// not where the message ends earlier. A message that has no end, which a peer without a bound of
// its own sends, shows it, too.
func TestAgreedByFirstMessage(t *testing.T) {
	b := newStreamBench(t, readStreams(t).Records)
	const clock = streamTime + 10_000_000
	drift := b.network.Params().ClockDrift
	side := streamSide{Clock: clock, Items: [][2]int{{0, 100}}}
	for name, test := range map[string]struct {
		to   negentropy.Bound
		want int
	}{
		"no end":             {negentropy.Infinity, 1},
		"the same bound":     {negentropy.Bound{Timestamp: clock + drift + 1}, 1},
		"one drift below":    {negentropy.Bound{Timestamp: clock + 1}, 1},
		"more below":         {negentropy.Bound{Timestamp: clock}, 0},
		"only the beginning": {negentropy.Bound{Timestamp: streamTime + 5000}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := b.node(t, side)
			n.reconciler.Expect("peer")
			var message []byte
			n.reconciler.View(func(set negentropy.Set) {
				message = negentropy.NewInitiator(negentropy.Config{To: test.to}).Start(set)
			})
			s := &scriptedStream{in: bytes.NewReader(sessionFrame(102, message)), peer: "peer"}
			n.serve("reconcile", s)
			if want := sessionFrame(102, []byte{0x61}); !bytes.Equal(s.out.Bytes(), want) {
				t.Errorf("answered %x, want %x", s.out.Bytes(), want)
			}
			if got := n.reconciler.Status(false).Agreeing; got != test.want {
				t.Errorf("%d peers agree, want %d", got, test.want)
			}
		})
	}
}
