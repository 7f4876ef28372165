package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/cmd/lf/testbed/hostile"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// harass has a hostile peer attack nodes until stop is called.
func harass(t *testing.T, mode string, network *protocol.Network, targets ...*Node) (stop func()) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := hostile.Config{Mode: mode, Network: network, Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Report: func(hostile.Event) {}}
	for _, n := range targets {
		c.Targets = append(c.Targets, peer.AddrInfo{ID: n.PeerID(), Addrs: n.host.Addrs()})
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- hostile.Run(ctx, c) }()
	stop = func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
	return stop
}

// A flood of records with invented ancestors takes a bounded room. Afterwards a node still finds
// out by comparing what it lacks, and says the truth.
func TestInventedAncestors(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	victim := start(t, config(t, network))
	other := start(t, config(t, network, seeds(victim)))
	wantPeers(t, other, 1)
	alone := config(t, network, offline)
	writer := start(t, alone)
	const written = 200 // more than the first message of a comparison lists
	for i := range written {
		set(t, writer.Service(), "value", fmt.Sprintf("found#%d", i))
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	stop := harass(t, "gossip-invented-ancestors", network, victim, other)
	status := func(n *Node) *api.Status {
		s, err := n.Service().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	eventually(t, "the flood is here", func() bool { return status(victim).Storage.Pending > 1537 && status(other).Storage.Pending > 1537 })
	stop()

	before := status(victim).Storage.Attached
	alone.Offline = false
	seeds(victim)(&alone)
	start(t, alone)
	eventually(t, "comparing brings what a newcomer has", func() bool { return status(victim).Storage.Attached == before+written })
	eventually(t, "gossip or comparing brings it to the other node", func() bool { return status(other).Storage.Attached == before+written })
	for _, n := range []*Node{victim, other} {
		s, err := n.Service().Synced(t.Context(), time.Minute)
		if err != nil || s.State != api.SyncSynced || s.Missing != 0 || s.Named == 0 || s.Named > 8192 {
			t.Errorf("%+v, %v", s, err)
		}
		if f := finding(checkup(t, n), "sync"); f.State != api.FindingOK {
			t.Errorf("%+v", f)
		}
	}
}

// A node whose clock is ahead keeps no other out of sync. They say how many of its records they
// leave out.
func TestClockAheadOfOthers(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	ahead := start(t, config(t, network, seeds(a, b), func(c *Config) {
		c.Clock = func() time.Time { return time.Now().Add(12 * time.Hour) }
	}))
	wantPeers(t, ahead, 2)
	set(t, a.Service(), "now", "time#1")
	eventually(t, "what is dated right is everywhere", func() bool { return get(t, ahead.Service(), "time#1") == "now" })
	set(t, ahead.Service(), "tomorrow", "time#2")
	for _, n := range []*Node{a, b, ahead} {
		if s, err := n.Service().Synced(t.Context(), time.Minute); err != nil || s.Missing != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	for _, n := range []*Node{a, b} {
		var c *api.Checkup
		eventually(t, "it says what it leaves out", func() bool {
			_, _ = n.Service().Synced(t.Context(), time.Minute)
			c = checkup(t, n)
			return c.Facts.Sync.AheadPeers == 1 && c.Facts.Sync.Ahead == 1
		})
		if f := finding(c, "dates"); f.State != api.FindingNote {
			t.Errorf("%+v", f)
		}
	}
}
