package hostile

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/cmd/internal/testbed"
	"github.com/lf-store/lf/protocol"
)

// victim is a host that counts what is done to it.
type victim struct {
	host.Host
	network *protocol.Network

	mu       sync.Mutex
	streams  map[libprotocol.ID]int
	messages int
	peers    []peer.ID
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	v := &victim{Host: h, network: n, streams: map[libprotocol.ID]int{}}
	for _, name := range []string{"fetch", "reconcile"} {
		h.SetStreamHandler(v.protocol(name), v.serve)
	}
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.peers = append(v.peers, c.RemotePeer())
	}})
	v.listen(t)
	return v
}

func (v *victim) protocol(name string) libprotocol.ID {
	return libprotocol.ID(v.network.StreamProtocol(name))
}

// serve counts a stream and ends it: a fetch as one for which there was too much, the others as
// broken.
func (v *victim) serve(s network.Stream) {
	v.mu.Lock()
	v.streams[s.Protocol()]++
	v.mu.Unlock()
	code := network.StreamProtocolViolation
	if s.Protocol() == v.protocol("fetch") {
		code = network.StreamRateLimited
	}
	_ = s.ResetWithError(code)
}

// suffered returns how many messages and streams have come.
func (v *victim) suffered() (messages int, streams map[libprotocol.ID]int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.messages, maps.Clone(v.streams)
}

func (v *victim) listen(t *testing.T) {
	ps, err := pubsub.NewGossipSub(t.Context(), v.Host, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := ps.Join(v.network.GossipTopic())
	if err != nil {
		t.Fatal(err)
	}
	heard, err := topic.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if _, err := heard.Next(t.Context()); err != nil {
				return
			}
			v.mu.Lock()
			v.messages++
			v.mu.Unlock()
		}
	}()
}

// attack has a mode attack the victim until done says that it is enough, and returns what it
// reported.
func (v *victim) attack(t *testing.T, mode string, done func([]Event) bool) []Event {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	var events []Event
	err = Run(ctx, Config{
		Mode: mode, Network: v.network, Identity: key, Targets: []peer.AddrInfo{{ID: v.ID(), Addrs: v.Addrs()}},
		Report: func(e Event) {
			events = append(events, e)
			if done(events) {
				stop()
			}
		},
	})
	if err != nil || !done(events) {
		t.Fatalf("%v; %+v", err, events)
	}
	return events
}

func tallied(want func(*Tally) bool) func([]Event) bool {
	return func(events []Event) bool {
		return slices.ContainsFunc(events, func(e Event) bool { return e.Tally != nil && want(e.Tally) })
	}
}

// TestModes has each mode do something to its target.
func TestModes(t *testing.T) {
	var names []string
	for _, m := range Modes() {
		names = append(names, m.Name)
		if strings.HasPrefix(m.Name, "fetch-") || m.Name == "bit-flips" || m.Name == "slow-reader" {
			continue // they answer, or want records; those of scenarios show them
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			events := v.attack(t, m.Name, tallied(func(t *Tally) bool { return t.Published >= 3 || t.Reset >= 2 }))
			if events[0].Kind != Begun || events[0].Mode != m.Name || events[len(events)-1].Kind != Ended {
				t.Errorf("the first: %+v, the last: %+v", events[0], events[len(events)-1])
			}
			gossips := strings.HasPrefix(m.Name, "gossip-")
			for messages, streams := v.suffered(); messages == 0 && len(streams) == 0; messages, streams = v.suffered() {
				time.Sleep(10 * time.Millisecond) // it was sent, and is on its way
			}
			if messages, streams := v.suffered(); gossips != (messages > 0) || gossips == (len(streams) > 0) {
				t.Errorf("%d messages, streams: %v", messages, streams)
			}
		})
	}
	known := slices.Sorted(slices.Values(testbed.Modes))
	if !slices.Equal(names, known) {
		t.Errorf("modes %v, and the testbed knows %v", names, known)
	}
}

// TestComesBack drops the attacker again and again: it comes back under its identity, once a second
// at most, and has noticed why.
func TestComesBack(t *testing.T) {
	v := newVictim(t)
	v.SetStreamHandler(v.protocol("reconcile"), func(s network.Stream) {
		v.serve(s)
		time.Sleep(50 * time.Millisecond)
		_ = v.Network().ClosePeer(s.Conn().RemotePeer())
	})
	began := time.Now()
	v.attack(t, "reconcile-garbage", tallied(func(t *Tally) bool { return t.Dropped+t.Refused >= 3 && t.Blamed >= 1 }))
	v.mu.Lock()
	defer v.mu.Unlock()
	distinct := slices.Compact(slices.Clone(v.peers))
	if len(distinct) != 1 || len(v.peers) < 3 || len(v.peers) > 2+int(time.Since(began)/again) {
		t.Errorf("%d peers, %d connections in %s", len(distinct), len(v.peers), time.Since(began))
	}
}

// TestLimited finds that the attacker knows what it is limited for.
func TestLimited(t *testing.T) {
	v := newVictim(t)
	v.attack(t, "stream-flood", tallied(func(t *Tally) bool { return t.Limited >= 5 && t.Blamed >= 5 }))
}

// TestForbidden checks that an attacker dials nobody outside this machine.
func TestForbidden(t *testing.T) {
	for addr, want := range map[string]bool{
		"/ip4/127.0.0.1/tcp/1": false, "/ip6/::1/tcp/1": false,
		"/ip4/192.0.2.1/tcp/1": true, "/ip4/192.168.1.1/tcp/1": true, "/dns4/localhost/tcp/1": true, "/ip4/10.0.0.1/tcp/1": true,
	} {
		if got := forbidden(ma.StringCast(addr)); got != want {
			t.Errorf("%s is forbidden: %v", addr, got)
		}
	}
	v := newVictim(t)
	err := Run(t.Context(), Config{
		Mode: "stream-flood", Network: v.network, Identity: make([]byte, ed25519.PrivateKeySize), Report: func(Event) {},
		Targets: []peer.AddrInfo{{ID: v.ID(), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")}}},
	})
	if err == nil || !strings.Contains(err.Error(), "only addresses of this machine") {
		t.Error(err)
	}
}
