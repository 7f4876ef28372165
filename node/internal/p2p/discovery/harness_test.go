package discovery

import (
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHost makes a node's host that listens on loopback alone and looks for nobody.
func newHost(t *testing.T, n *protocol.Network, p p2p.Profile) *p2p.Host {
	t.Helper()
	return newHostOf(t, newKey(t), n, p)
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newHostOf(t *testing.T, key ed25519.PrivateKey, n *protocol.Network, p p2p.Profile) *p2p.Host {
	t.Helper()
	h, err := p2p.New(p2p.Config{
		Network: n, Identity: key, Profile: p, Version: "test", Registry: prometheus.NewRegistry(),
		Logger: testlog.New(t, slog.LevelInfo), NoPortMapping: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.Listen(t.Context(), []string{"/ip4/127.0.0.1/tcp/0"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func newLocalHost(t *testing.T) *p2p.Host {
	t.Helper()
	return newHost(t, nodetest.NewNetwork(t, 0), p2p.ProfileLocal)
}

// newPublicHost is a libp2p host that is no node of LF, and takes itself for one that everybody can
// dial.
func newPublicHost(t *testing.T) host.Host {
	t.Helper()
	return nodetest.NewLibp2p(t, libp2p.ForceReachabilityPublic())
}
