package node

import (
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// TestService runs what every service must do, on a node itself and through its API.
func TestService(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	t.Run("direct", func(t *testing.T) {
		apitest.TestService(t, func(*testing.T) api.Service { return n.Service() })
	})
	t.Run("client", func(t *testing.T) {
		apitest.TestService(t, func(t *testing.T) api.Service { return client(t, n) })
	})
}

// TestWatch runs what every service must do for watchers, on a node itself and through its API.
func TestWatch(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	t.Run("direct", func(t *testing.T) {
		apitest.TestWatch(t, func(*testing.T) api.Service { return n.Service() })
	})
	t.Run("client", func(t *testing.T) {
		apitest.TestWatch(t, func(t *testing.T) api.Service { return client(t, n) })
	})
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	wantPeers(t, b, 1)
	set(t, a.Service(), "Bad Horse, Bad Horse", "horse#0")
	set(t, client(t, b), "He rides across the nation", "bad", "horse#2")
	for _, n := range []*Node{a, b} {
		wantRead(t, n.Service(), "Bad Horse, Bad Horse", "horse#")
		wantRead(t, client(t, n), "He rides across the nation", "bad", "horse#")
	}
}
