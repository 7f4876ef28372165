package discovery

import (
	"context"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
)

// TestBootstrapPeers asks two bootstrap peers of the public DHT, of whom one is gone.
func TestBootstrapPeers(t *testing.T) {
	t.Parallel()
	others := publicDHT(t, 3)
	gone := newPublicHost(t)
	h := newPublicHost(t)
	n := nodetest.NewNetwork(t, 0)
	r := onLoopback(t, h, n, nil, append(others[:1:1], gone))
	_ = gone.Close()
	if list := r.Seeds(); len(list) != 2 || list[0].Kind != api.KindRendezvous || list[0].State != api.SeedWaiting || !r.Facts().On {
		t.Errorf("before the first round: %+v", list)
	}
	run(t, r)
	nodetest.Eventually(t, "a round", func() bool { f := r.Facts(); return f.Last > 0 && f.Entered > 0 })
	if first := r.Seeds()[0]; first.Since == 0 || first.Error != "" || first.Peer != others[0].ID().String() {
		t.Errorf("who answered: %+v", first)
	}
	// The other may have been left before it failed, where the first one was quicker.
	if err := r.ask(t.Context(), r.bootstrapPeers[1]); err == nil {
		t.Error("a host answers that is gone")
	}
	if second := r.Seeds()[1]; second.State != api.SeedFailing || second.Failures == 0 || second.Error == "" || second.NextDial != 0 {
		t.Errorf("who did not: %+v", second)
	}
}

// TestAskedInVain holds that a dial which ends because another peer answered first is no failure.
// The first error is kept where libp2p then refuses to dial at all.
func TestAskedInVain(t *testing.T) {
	t.Parallel()
	gone := newPublicHost(t)
	r := onLoopback(t, newPublicHost(t), nodetest.NewNetwork(t, 0), nil, []host.Host{gone})
	_ = gone.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = r.ask(ctx, r.bootstrapPeers[0])
	if d := r.history(gone.ID()); d != (p2p.DialHistory{}) {
		t.Errorf("left: %+v", d)
	}
	for range 3 {
		_ = r.ask(t.Context(), r.bootstrapPeers[0])
	}
	if d := r.history(gone.ID()); d.Failures != 3 || !strings.Contains(d.Problem, "connection refused") {
		t.Errorf("failed: %+v", d)
	}
}
