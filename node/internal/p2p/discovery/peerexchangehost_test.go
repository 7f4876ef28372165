package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// fullPeer is a peer that has no place in its mesh, and names others.
type fullPeer struct {
	host.Host
	topic string
	heard chan peer.ID // who gossips to it
}

func newFullPeer(t *testing.T, n *protocol.Network) *fullPeer {
	p := &fullPeer{nodetest.NewLibp2p(t), n.GossipTopic(), make(chan peer.ID, 8)}
	p.SetStreamHandler(pubsub.GossipSubID_v11, func(s network.Stream) {
		p.heard <- s.Conn().RemotePeer()
		_, _ = io.Copy(io.Discard, s)
	})
	return p
}

// name names these peers to whoever gossips first.
func (p *fullPeer) name(t *testing.T, named ...*pb.PeerInfo) {
	t.Helper()
	to := <-p.heard
	s, err := p.NewStream(t.Context(), to, pubsub.GossipSubID_v11)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	backoff := uint64(60)
	raw, err := proto.Marshal(&pb.RPC{Control: &pb.ControlMessage{
		Prune: []*pb.ControlPrune{{TopicID: &p.topic, Peers: named, Backoff: &backoff}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	head := []byte{byte(len(raw)&0x7f | 0x80), byte(len(raw) >> 7)}
	if len(raw) < 1<<7 || len(raw) >= 1<<14 {
		t.Fatalf("a message of %d bytes has another head", len(raw))
	}
	if _, err := s.Write(append(head, raw...)); err != nil {
		t.Fatal(err)
	}
}

// signedAddresses is what a peer says of itself.
func signedAddresses(t *testing.T, addrs ...ma.Multiaddr) *pb.PeerInfo {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signedBy(t, key, addrs)
}

func signedBy(t *testing.T, key crypto.PrivKey, addrs []ma.Multiaddr) *pb.PeerInfo {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := record.Seal(&peer.PeerRecord{PeerID: id, Seq: 1, Addrs: addrs}, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return &pb.PeerInfo{PeerID: []byte(id), SignedPeerRecord: raw}
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
			seed := newFullPeer(t, n)
			topic, err := ps.Join(seed.topic)
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
			seed.name(t, signedAddresses(t, knocked.addr))
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
