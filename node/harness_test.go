package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// patience bounds what takes milliseconds: a race detector on a busy machine is slow.
const patience = nodetest.Patience

func newNetwork(t testing.TB, workPerKiB uint32, change ...func(*protocol.Params)) *protocol.Network {
	t.Helper()
	return nodetest.NewNetwork(t, workPerKiB, change...)
}

// config is a local node's in a new home, which change may alter.
func config(t testing.TB, n *protocol.Network, change ...func(*Config)) Config {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Home: h, Network: n, Profile: ProfileLocal, APIListen: "127.0.0.1:0", Version: "test", Logger: testLog(t)}
	for _, f := range change {
		f(&c)
	}
	return c
}

func seeds(of ...*Node) func(*Config) {
	return func(c *Config) {
		for _, n := range of {
			c.Seeds = append(c.Seeds, n.Addresses()...)
		}
	}
}

func offline(c *Config) { c.Offline = true }

// start starts a node and closes it at the end of the test.
func start(t testing.TB, c Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, n) })
	return n
}

func stop(t testing.TB, n *Node) {
	t.Helper()
	begin := time.Now()
	if err := n.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	// who hangs does so for as long as a connection lasts
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("closing took %s", took)
	}
}

// wantStartError asks for an error in one line, and no node.
func wantStartError(t *testing.T, c Config) error {
	t.Helper()
	n, err := Start(t.Context(), c)
	if err == nil {
		_ = n.Close()
		t.Fatal("started, want an error")
	}
	return err
}

func client(t testing.TB, n *Node) *api.Client {
	t.Helper()
	token, err := n.config.Home.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(n.APIURL(), token)
	return c
}

func set(t testing.TB, s api.Service, value string, selectors ...string) *api.Submitted {
	t.Helper()
	r, err := s.Set(context.Background(), api.SetRequest{Selectors: api.MustSelectors(selectors...), Text: &value})
	if err != nil {
		t.Fatalf("set %q: %v", selectors, err)
	}
	return r
}

// get returns the one value under a composite key, "" when there is none.
func get(t testing.TB, s api.Service, selectors ...string) string {
	t.Helper()
	ranges, err := api.ParseSelectors(selectors...)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Query(context.Background(), api.Query{Selectors: ranges, Decrypt: true})
	if err != nil {
		t.Fatalf("get %q: %v", selectors, err)
	}
	if len(res.Answers) == 0 || res.Answers[0].Text == nil {
		return ""
	}
	return *res.Answers[0].Text
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	nodetest.Eventually(t, what, holds)
}

func freePort(t testing.TB) int {
	t.Helper()
	return nodetest.FreePort(t)
}

// dialedInVain reports whether a node has dialed a peer in vain at least twice since it was lost.
func dialedInVain(from, to *Node) bool {
	return slices.ContainsFunc(from.peering.Connector.Dials(), func(d api.DialState) bool {
		return d.Peer == to.PeerID().String() && d.Failures >= 2
	})
}

// linked reports whether two nodes have a direct connection.
func linked(a, b *Node) bool { return a.host.Network().Connectedness(b.PeerID()) == network.Connected }

// wantRead waits until a node answers with a value.
func wantRead(t testing.TB, s api.Service, want string, selectors ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q reads %q", selectors, want), func() bool { return get(t, s, selectors...) == want })
}

func wantPeers(t testing.TB, n *Node, count int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d peers", count), func() bool { return networkPeers(t, n) == count })
}

func networkPeers(t testing.TB, n *Node) int {
	t.Helper()
	peers, err := api.AllPeers(context.Background(), n.Service())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range peers {
		if p.Network {
			count++
		}
	}
	return count
}

// testLog shows a node's log with the failed test that it belongs to.
func testLog(t testing.TB) *slog.Logger {
	return testlog.New(t, slog.LevelInfo)
}

func setOne(s api.Service, value string) (protocol.ID, error) {
	r, err := s.Set(context.Background(), api.SetRequest{Selectors: api.MustSelectors("one"), Text: &value})
	if err != nil {
		return protocol.ID{}, err
	}
	return r.ID, nil
}
