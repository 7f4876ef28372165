package node

import (
	"testing"

	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
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
	t.Run("proxy", func(t *testing.T) { testProxy(t, n) })
}

// testProxy runs what every service must do on a proxy of a node, as a client of the proxy for
// which it keeps an owner.
func testProxy(t *testing.T, n *Node) {
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := n.config.Home.Token()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.Start(t.Context(), proxy.Config{
		Home: h, Network: n.config.Network, Listen: "127.0.0.1:0", Nodes: []proxy.NodeAddress{{Address: n.APIURL(), Token: token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	phone, err := h.Owners().New("phone")
	if err != nil {
		t.Fatal(err)
	}
	if token, err = h.AddProxyClient(home.ProxyClient{Name: "phone", Owner: &phone.Owner}); err != nil {
		t.Fatal(err)
	}
	apitest.TestProxy(t, func(t *testing.T) api.Service {
		c := api.NewClient(p.APIURL(), token)
		t.Cleanup(func() { c.Close() })
		return c
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
