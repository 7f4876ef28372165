package p2p

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestRoamingKeeps holds that connections that live are left alone, whoever doubts them how often,
// also those of peers that speak no ping.
func TestRoamingKeeps(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b, mute := newHost(t, n), newHost(t, n), newHost(t, n)
	mute.RemoveStreamHandler("/ipfs/ping/1.0.0")
	for _, h := range []*Host{b, mute} {
		connect(t, h, Addresses(a)...)
		speak(t, a, h)
	}
	conns := a.Network().Conns()
	for range 20 {
		a.prober.probe(a.Network().Conns())
		b.prober.probe(b.Network().Conns())
	}
	nodetest.Eventually(t, "all are asked", func() bool { return a.prober.idle() && b.prober.idle() })
	for _, c := range conns {
		if c.IsClosed() {
			t.Errorf("the connection with %s is closed", c.RemotePeer())
		}
	}
}

// idle reports whether nothing is pinged.
func (r *staleConnProber) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.Contains(slices.Collect(maps.Values(r.probed)), true)
}

// TestRoamingCloses ends while a connection is in doubt, at once.
func TestRoamingCloses(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, n), newHost(t, n)
	r := nodetest.NewRoad(t, Addresses(a)[0])
	connect(t, b, r.Address(a.ID()))
	speak(t, a, b)
	other := newStaleConnProber(b, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- other.run(ctx) }()
	r.Freeze()
	other.probe(b.Network().Conns())
	nodetest.Eventually(t, "a ping is under way", func() bool { return len(other.slots) > 0 })
	begin := time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(begin) > probeTime/2 {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	if !connected(b, a) {
		t.Error("a connection was ended that nobody has judged")
	}
	other.probe(b.Network().Conns())
	if !other.idle() {
		t.Error("it goes on after its end")
	}
}

func TestWasAsleep(t *testing.T) {
	for _, c := range []struct {
		wall, awake time.Duration
		want        bool
	}{{time.Hour, time.Hour, false}, {time.Hour, time.Second, true}, {2 * time.Second, 2 * time.Second, false}, {-time.Hour, 2 * time.Second, false}} {
		if got := wasAsleep(c.wall, c.awake); got != c.want {
			t.Errorf("%s by the clock on the wall, %s awake: %v", c.wall, c.awake, got)
		}
	}
	here, known := interfaces()
	if again, _ := interfaces(); !known || !strings.Contains(here, "127.0.0.1") || here != again {
		t.Errorf("the machine is at %q", here)
	}
}

// TestWhyDoubt holds what the log says of connections that may be dead. That the system does not
// tell its addresses, for want of file descriptors, is no reason.
func TestWhyDoubt(t *testing.T) {
	unknown := func() (string, bool) { return "", false }
	for _, c := range []struct {
		before      string
		look        func() (string, bool)
		wall, awake time.Duration
		want        string
	}{
		{"a", func() (string, bool) { return "a", true }, LookAround, LookAround, ""},
		{"a", func() (string, bool) { return "b", true }, LookAround, LookAround, "addresses have changed"},
		{"a", func() (string, bool) { return "", true }, LookAround, LookAround, "addresses have changed"},
		{"a", func() (string, bool) { return "a", true }, time.Hour, LookAround, "asleep"},
		{"a", unknown, LookAround, LookAround, ""},
		// it was not known before
		{"", func() (string, bool) { return "a", true }, LookAround, LookAround, ""},
		{"a", unknown, time.Hour, LookAround, "asleep"},
	} {
		got := whyDoubt(c.before, whereNow(c.before, c.look), c.wall, c.awake)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("from %q: %q, want %q", c.before, got, c.want)
		}
	}
}
