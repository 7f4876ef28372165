package p2p

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestFactsAfterRun holds that a caller who asks while the node closes is answered.
func TestFactsAfterRun(t *testing.T) {
	t.Parallel()
	h := newHost(t, nodetest.NewNetwork(t, 0))
	k, err := NewConnector(h, []peer.AddrInfo{{ID: "seed"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	if f := k.Dials(); len(f) != 1 || !f[0].Seed {
		t.Errorf("%+v", f)
	}
	cancel()
	<-ended
	if f := k.Dials(); len(f) != 0 {
		t.Errorf("of a connector that has ended: %+v", f)
	}
}
