package nodetest

import (
	"io"
	"testing"

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
)

// FullPeer is a peer that has no place in its mesh, and names others.
type FullPeer struct {
	host.Host
	Topic string
	heard chan peer.ID // who gossips to it
}

// NewFullPeer starts such a peer in a network; it ends with the test.
func NewFullPeer(t *testing.T, n *protocol.Network) *FullPeer {
	p := &FullPeer{NewLibp2p(t), n.GossipTopic(), make(chan peer.ID, 8)}
	p.SetStreamHandler(pubsub.GossipSubID_v11, func(s network.Stream) {
		p.heard <- s.Conn().RemotePeer()
		_, _ = io.Copy(io.Discard, s)
	})
	return p
}

// Name names these peers to the first peer that gossips.
func (p *FullPeer) Name(t *testing.T, named ...*pb.PeerInfo) {
	t.Helper()
	to := <-p.heard
	s, err := p.NewStream(t.Context(), to, pubsub.GossipSubID_v11)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	backoff := uint64(60)
	raw, err := proto.Marshal(&pb.RPC{Control: &pb.ControlMessage{
		Prune: []*pb.ControlPrune{{TopicID: &p.Topic, Peers: named, Backoff: &backoff}},
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

// SignedInfo returns a peer's own signed statement of its addresses, as GossipSub carries it.
func SignedInfo(t *testing.T, key crypto.PrivKey, addrs []ma.Multiaddr) *pb.PeerInfo {
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
