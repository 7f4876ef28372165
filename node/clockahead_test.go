package node

import (
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// A node whose clock is ahead keeps no other out of sync. They say how many of its records they
// leave out.
func TestClockAheadOfOthers(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	ahead := start(t, config(t, network, seeds(a, b), func(c *Config) {
		c.Clock = func() time.Time { return time.Now().Add(12 * time.Hour) }
	}))
	wantPeers(t, ahead, 2)
	set(t, a.Service(), "now", "time#1")
	eventually(t, "what is dated right is everywhere", func() bool { return get(t, ahead.Service(), "time#1") == "now" })
	set(t, ahead.Service(), "tomorrow", "time#2")
	for _, n := range []*Node{a, b, ahead} {
		if s, err := n.Service().Synced(t.Context(), time.Minute); err != nil || s.Missing != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	for _, n := range []*Node{a, b} {
		var c *api.Checkup
		eventually(t, "it says what it leaves out", func() bool {
			_, _ = n.Service().Synced(t.Context(), time.Minute)
			c = checkup(t, n)
			return c.Facts.Sync.AheadPeers == 1 && c.Facts.Sync.Ahead == 1
		})
		if f := finding(c, "dates"); f.State != api.FindingNote {
			t.Errorf("%+v", f)
		}
	}
}
