package ui_test

import (
	"log/slog"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
)

// TestExploreProxy explores through a proxy, which keeps no records and no graph. It writes as an
// owner of the proxy's home.
func TestExploreProxy(t *testing.T) {
	t.Parallel()
	network := testNetwork(t)
	var of *home.Home
	n := startNode(t, network, func(c *node.Config) { of = c.Home })
	if _, err := clientOf(t, n).Set(t.Context(), lf.MustKey("horse#1"), []byte("through a proxy")); err != nil {
		t.Fatal(err)
	}
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, err := of.Token()
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.Start(t.Context(), proxy.Config{
		Home: h, Network: network, Nodes: []proxy.NodeAddress{{Address: n.APIURL(), Token: token}}, Listen: "127.0.0.1:0", Logger: testlog.New(t, slog.LevelWarn),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	b := uitest.Open(t, openSession(t, h, p.APIURL()))
	explore(b, "horse#1")
	b.UntilText("#answer", "through a proxy")
	b.UntilText("#reason", "nobody else claims it")
	b.UntilText("#around", "keeps no graph")
	b.UntilText("#around dl", "datum")
	b.Click("#around dl li button") // what it links
	b.UntilText("#around dl", "genesis")

	b.Click(`nav a[href="#owners"]`)
	b.Type("#new-owner", "ops")
	b.Click("#add-owner button")
	b.UntilText("#owner-panel table", "ops")
	b.Click(`nav a[href="#write"]`)
	b.UntilText("#owner", "ops")
	b.Type("#write-key", "horse#2")
	b.Type("#value", "written through it")
	b.Click("#do-write")
	b.UntilText("#outcome", "The value is set.")
	if a, err := clientOf(t, n).Get(t.Context(), lf.MustKey("horse#2")); err != nil || a.Text() != "written through it" {
		t.Errorf("%+v, %v", a, err)
	}
}
