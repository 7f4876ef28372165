package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
	lfsync "github.com/lf-store/lf/sync"
)

// signedAddresses is what a peer says of itself.
func signedAddresses(t *testing.T, addrs ...ma.Multiaddr) *pb.PeerInfo {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return nodetest.SignedInfo(t, key, addrs)
}

// TestNamedAreHeldToProfile has GossipSub dial whom a seed names: on the bare host, where the gater
// decides, and as a node does.
func TestNamedAreHeldToProfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile p2p.Profile
		bare    bool
		dialed  bool
	}{
		{p2p.ProfileLocal, true, true}, {p2p.ProfileServer, true, false},
		{p2p.ProfileLocal, false, true}, {p2p.ProfileServer, false, false}, {p2p.ProfileDefault, false, false},
	} {
		t.Run(fmt.Sprintf("%s, bare=%t", c.profile, c.bare), func(t *testing.T) {
			t.Parallel()
			n := nodetest.NewNetwork(t, 0)
			h := newHost(t, n, c.profile)
			var dialer host.Host = NewPeerExchangeHost(Config{Network: n, Host: h})
			if c.bare {
				dialer = h
			}
			ctx, stop := context.WithCancel(t.Context())
			t.Cleanup(stop)
			ps, err := pubsub.NewGossipSub(ctx, dialer, lfsync.PubSubOptions(n, func(peer.ID) bool { return true })...)
			if err != nil {
				t.Fatal(err)
			}
			seed := nodetest.NewFullPeer(t, n)
			topic, err := ps.Join(seed.Topic)
			if err != nil {
				t.Fatal(err)
			}
			leave, err := topic.Relay()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(leave)
			knocked := knocks(t)
			if err := seed.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: h.Network().ListenAddresses()}); err != nil {
				t.Fatal(err)
			}
			seed.Name(t, signedAddresses(t, knocked.addr))
			patience := time.Second
			if c.dialed {
				patience = 30 * time.Second
			}
			select {
			case <-knocked.came:
				if !c.dialed {
					t.Error("dialed, which the profile forbids")
				}
			case <-time.After(patience):
				if c.dialed {
					t.Error("not dialed")
				}
			}
		})
	}
}

// door is an address at which somebody waits for dials.
type door struct {
	addr ma.Multiaddr
	came chan struct{}
}

func knocks(t *testing.T) door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := door{ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)), make(chan struct{}, 1)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			select {
			case d.came <- struct{}{}:
			default:
			}
		}
	}()
	return d
}

// TestExchangeIsBounded holds that a seed which names peers without end has a few of them dialed.
func TestExchangeIsBounded(t *testing.T) {
	t.Parallel()
	h := newLocalHost(t)
	e := newPeerExchangeHost(h, h.DialableInfo, nil)
	named := func() peer.AddrInfo {
		info := signedAddresses(t)
		return peer.AddrInfo{ID: peer.ID(info.GetPeerID()), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}}
	}
	for i := range exchangeDials {
		if err := e.Connect(t.Context(), named()); err == nil || errors.Is(err, errTooMany) {
			t.Fatalf("dial %d: %v", i, err)
		}
	}
	if err := e.Connect(t.Context(), named()); !errors.Is(err, errTooMany) {
		t.Errorf("one more: %v", err)
	}
	e = newPeerExchangeHost(h, h.DialableInfo, nil)
	for range enoughExchanged {
		if err := nodetest.NewLibp2p(t).Connect(t.Context(), peer.AddrInfo{ID: e.ID(), Addrs: e.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Connect(t.Context(), named()); !errors.Is(err, errEnoughPeers) {
		t.Errorf("with enough peers: %v", err)
	}
	far := named()
	far.Addrs = []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")}
	if err := e.Connect(t.Context(), far); !errors.Is(err, errNoWay) {
		t.Errorf("with the profile local, a far address: %v", err)
	}
	if known := e.Peerstore().Addrs(far.ID); len(known) > 0 {
		t.Errorf("addresses are remembered that may not be dialed: %v", known)
	}
}
