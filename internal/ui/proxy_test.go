package ui_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node/home"
)

// TestProxyPage: a proxy shows the nodes that it asks, and the same explorer.
func TestProxyPage(t *testing.T) {
	t.Parallel()
	n := testNetwork(t)
	first := startNode(t, n)
	second := startNode(t, n, seeds(first))
	write(t, first, "here#1")
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy.Start(t.Context(), proxy.Config{
		Home: h, Network: n, Nodes: []proxy.NodeAddress{{Address: first.APIURL()}, {Address: second.APIURL()}}, Compare: 2, WriteTo: 1, Listen: "127.0.0.1:0",
		Version: "test", Logger: testlog.New(t, slog.LevelWarn), Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	b := uitest.Open(t, p.APIURL())
	b.UntilText("#where", "town · proxy")
	b.Until(`document.querySelectorAll("#nodes tbody tr").length === 2`)
	b.UntilText("#nodes", first.APIURL())
	b.Until(`document.querySelector("#activity").hidden`)
	b.Click(`nav a[href="#peers"]`)
	b.UntilText("#view-peers", "proxy")
	explore(b, "here#1")
	b.UntilText("#answer", "x")
}
