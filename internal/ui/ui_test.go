package ui_test

import (
	"crypto/rand"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { os.Exit(uitest.Main(m)) }

// testNetwork makes a network without work, on which names cost little.
func testNetwork(t testing.TB) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "town", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startNode starts a node on loopback, which the end of the test stops.
func startNode(t testing.TB, n *protocol.Network, change ...func(*node.Config)) *node.Node {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := node.Config{Home: h, Network: n, Profile: node.ProfileLocal, APIListen: "127.0.0.1:0", Version: "test", Logger: testlog.New(t, slog.LevelInfo)}
	for _, f := range change {
		f(&c)
	}
	started, err := node.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = started.Close() })
	return started
}

func TestShell(t *testing.T) {
	n := startNode(t, testNetwork(t))
	b := uitest.Open(t, n.APIURL())
	b.UntilText("#where", "town")
	b.UntilText("#sync-state", "Alone")
	for _, view := range []string{"peers", "explore", "write", "status"} {
		b.Click(`nav a[href="#` + view + `"]`)
		b.Until(`document.querySelector("#view-` + view + `")`)
		b.Size(360, 700)
		b.WantFits()
		b.Size(1000, 800)
	}
	if got := uitest.Eval[string](b, "document.activeElement.tagName"); got != "H1" {
		t.Errorf("after a change of view the focus is on %s, not on the heading", got)
	}
}
