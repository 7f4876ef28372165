package p2p

import (
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHost makes a host of the profile local that listens, and that speaks its network's protocols.
func newHost(t *testing.T, n *protocol.Network, change ...func(*Config)) *Host {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Network: n, Identity: key, Profile: ProfileLocal, Version: "test", Registry: prometheus.NewRegistry(),
		Logger: testlog.New(t, slog.LevelInfo),
	}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	parts := supervisor.New(c.Logger, nodetest.Patience)
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	parts.OnClose("host", h.Close)
	h.SetStreamHandler(fetchProtocol(n), func(s network.Stream) { _ = s.Reset() })
	if err := h.Start(parts); err != nil {
		t.Fatal(err)
	}
	if err := h.Listen(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return h
}

// connect starts a connector with hosts as its seeds.
func connect(t *testing.T, h *Host, seeds ...string) *Connector {
	t.Helper()
	infos, err := ParseSeeds(seeds, h.ID(), h.Profile())
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewConnector(h, infos, nil)
	if err != nil {
		t.Fatal(err)
	}
	parts := supervisor.New(h.config.Logger, nodetest.Patience)
	parts.Start("connector", c.Run)
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func connected(a, b host.Host) bool {
	return a.Network().Connectedness(b.ID()) == network.Connected
}

// speak waits until two hosts know that they are of one network.
func speak(t *testing.T, a, b *Host) {
	t.Helper()
	nodetest.Eventually(t, "the hosts know each other", func() bool { return a.Speaks(b.ID()) && b.Speaks(a.ID()) })
}
