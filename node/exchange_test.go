package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// loopbackHost is a host that is no node.
func loopbackHost(t *testing.T, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(options, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// fullPeer is a peer that has no place in its mesh, and names others.
type fullPeer struct {
	host.Host
	topic string
	heard chan peer.ID // who gossips to it
}

func newFullPeer(t *testing.T, n *protocol.Network) *fullPeer {
	p := &fullPeer{loopbackHost(t), protocolPrefix(n) + "/records/1", make(chan peer.ID, 8)}
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

// TestNamedBySeed has a seed that is full name another node, which is dialed; a stranger's word
// does not count.
func TestNamedBySeed(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 0)
	other := start(t, config(t, net))
	named := signedBy(t, other.host.Peerstore().PrivKey(other.PeerID()), other.host.Addrs())

	seed := newFullPeer(t, net)
	a := start(t, config(t, net, func(c *Config) {
		c.Seeds = []string{fmt.Sprintf("%s/p2p/%s", seed.Addrs()[0], seed.ID())}
	}))
	b := start(t, config(t, net))
	stranger := newFullPeer(t, net)
	if err := stranger.Connect(t.Context(), peer.AddrInfo{ID: b.PeerID(), Addrs: b.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	stranger.name(t, named)
	seed.name(t, named)
	eventually(t, "who was named by a seed is a peer", func() bool { return linked(a, other) })
	time.Sleep(500 * time.Millisecond)
	if linked(b, other) {
		t.Error("who was named by a stranger was dialed")
	}
}

// TestNamedAreHeldToProfile has GossipSub dial whom a seed names: on the bare host, where the gater
// decides, and as a node does.
func TestNamedAreHeldToProfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile Profile
		bare    bool
		dialed  bool
	}{
		{ProfileLocal, true, true}, {ProfileServer, true, false},
		{ProfileLocal, false, true}, {ProfileServer, false, false}, {ProfileDefault, false, false},
	} {
		t.Run(fmt.Sprintf("%s, bare=%t", c.profile, c.bare), func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, 0)
			h := loopbackHost(t, libp2p.ConnectionGater(&gater{profile: c.profile}))
			var dialer host.Host = newExchange(h, c.profile.dialableInfo, nil)
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
			if err := seed.Connect(t.Context(), peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
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
	e := newExchange(loopbackHost(t), ProfileLocal.dialableInfo, nil)
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
	e = newExchange(e.Host, ProfileLocal.dialableInfo, nil)
	for range enoughExchanged {
		h := loopbackHost(t)
		if err := h.Connect(t.Context(), peer.AddrInfo{ID: e.ID(), Addrs: e.Addrs()}); err != nil {
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
