package node

import (
	"fmt"
	"io"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
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
