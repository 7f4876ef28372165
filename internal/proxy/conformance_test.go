package proxy

import (
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
)

// TestService runs what every service must do on a proxy of one node, through its API. It is a
// client of the proxy for which it keeps an owner.
func TestService(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1)
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(t.Context(), Config{
		Home: h, Network: s.network, Listen: "127.0.0.1:0", Nodes: []NodeAddress{{Address: served(t, s.nodes[0], "node"), Token: "node"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	phone, err := h.Owners().New("phone")
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.AddProxyClient(home.ProxyClient{Name: "phone", Owner: &phone.Owner})
	if err != nil {
		t.Fatal(err)
	}
	apitest.TestProxy(t, func(t *testing.T) api.Service {
		c := api.NewClient(p.APIURL(), token)
		t.Cleanup(func() { c.Close() })
		return c
	})
}
