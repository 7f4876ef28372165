package hostile_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/cmd/internal/testbed/hostile"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// nodeConfig is the configuration of a local node in a new home, with seeds.
func nodeConfig(t *testing.T, network *protocol.Network, seeds ...*node.Node) node.Config {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := node.Config{Home: h, Network: network, Profile: node.ProfileLocal, APIListen: "127.0.0.1:0"}
	for _, s := range seeds {
		c.Seeds = append(c.Seeds, s.Addresses()...)
	}
	return c
}

// startNode starts a node and closes it at the end of the test.
func startNode(t *testing.T, c node.Config) *node.Node {
	t.Helper()
	n, err := node.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// attackNodes has a hostile peer attack nodes until stop is called.
func attackNodes(t *testing.T, mode string, network *protocol.Network, targets ...*node.Node) (stop func()) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := hostile.Config{Mode: mode, Network: network, Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Report: func(hostile.Event) {}}
	for _, n := range targets {
		for _, address := range n.Addresses() {
			info, err := peer.AddrInfoFromString(address)
			if err != nil {
				t.Fatal(err)
			}
			c.Targets = append(c.Targets, *info)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- hostile.Run(ctx, c) }()
	return func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func statusOf(t *testing.T, n *node.Node) *api.Status {
	t.Helper()
	s, err := n.Service().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A flood of records with invented ancestors takes a bounded room. Afterwards a node still finds
// out by comparing what it lacks, and its status is correct.
func TestInventedAncestors(t *testing.T) {
	t.Parallel()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "test", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	network, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	victim := startNode(t, nodeConfig(t, network))
	other := startNode(t, nodeConfig(t, network, victim))
	eventually(t, "the two nodes are connected", func() bool { return statusOf(t, other).Sync.Peers == 1 })

	alone := nodeConfig(t, network)
	alone.Offline = true
	writer := startNode(t, alone)
	const written = 200 // more than the first message of a comparison lists
	for i := range written {
		value := "value"
		if _, err := writer.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(fmt.Sprintf("found#%d", i)), Text: &value}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	stop := attackNodes(t, "gossip-invented-ancestors", network, victim, other)
	pending := func(n *node.Node) uint64 { return statusOf(t, n).Storage.Pending }
	eventually(t, "the flood has reached both nodes", func() bool { return pending(victim) > 1537 && pending(other) > 1537 })
	stop()

	before := statusOf(t, victim).Storage.Attached
	alone.Offline, alone.Seeds = false, victim.Addresses()
	startNode(t, alone)
	eventually(t, "comparing brings the newcomer's records", func() bool { return statusOf(t, victim).Storage.Attached == before+written })
	eventually(t, "the other node gets them, too", func() bool { return statusOf(t, other).Storage.Attached == before+written })
	for _, n := range []*node.Node{victim, other} {
		s, err := n.Service().Synced(t.Context(), time.Minute)
		if err != nil || s.State != api.SyncSynced || s.Missing != 0 || s.Named == 0 || s.Named > 8192 {
			t.Errorf("%+v, %v", s, err)
		}
		checkup, err := n.Service().Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(checkup.Findings, func(f api.Finding) bool { return f.Area == "sync" && f.State == api.FindingOK }) {
			t.Errorf("%+v", checkup.Findings)
		}
	}
}
