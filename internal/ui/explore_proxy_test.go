package ui_test

import (
	"log/slog"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node/home"
)

// TestProxyPage explores through a proxy, which keeps no records and no graph.
func TestProxyPage(t *testing.T) {
	t.Parallel()
	network := testNetwork(t)
	n := startNode(t, network)
	if _, err := clientOf(t, n).Set(t.Context(), lf.MustKey("horse#1"), []byte("through a proxy")); err != nil {
		t.Fatal(err)
	}
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.Start(t.Context(), proxy.Config{
		Home: h, Network: network, Nodes: []proxy.NodeAddress{{Address: n.APIURL()}}, Listen: "127.0.0.1:0", Logger: testlog.New(t, slog.LevelWarn),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	b := uitest.Open(t, p.APIURL())
	explore(b, "horse#1")
	b.UntilText("#answer", "through a proxy")
	b.UntilText("#reason", "nobody else claims it")
	b.UntilText("#around", "keeps no graph")
	b.UntilText("#around dl", "datum")
	b.Click("#around dl li button") // what it links
	b.UntilText("#around dl", "genesis")
}
