package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/stream"
)

func newHost(t *testing.T, listen string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings(listen), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestTurnedAwayWhileSending has the other side turn a stream away after the request was written
// and before it was ended. The reason must not get lost: such a peer is busy, it has not failed.
func TestTurnedAwayWhileSending(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		busy, asks := newHost(t, listen), newHost(t, listen)
		busy.SetStreamHandler("/busy", func(s network.Stream) {
			_, _ = s.Read(make([]byte, 1))
			_ = s.ResetWithError(network.StreamRateLimited)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := asks.Connect(ctx, peer.AddrInfo{ID: busy.ID(), Addrs: busy.Addrs()}); err != nil {
			t.Fatal(err)
		}
		s, err := asks.NewStream(ctx, busy.ID(), "/busy")
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the reset has come
			_, err = s.Write([]byte{1})
			time.Sleep(time.Millisecond)
		}
		if err := stream.CloseWrite(s); !stream.TurnedAway(err) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
