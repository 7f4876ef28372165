package node

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// A peer cannot fill the database by way of the DHT.
func TestDHTKeepsNothing(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: n.PeerID(), Addrs: n.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := h.NewStream(t.Context(), n.PeerID(), libp2pprotocol.ID(n.host.ProtocolPrefix())+"/kad/1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	_ = s.SetDeadline(time.Now().Add(patience))
	send := func(m *pb.Message) {
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		// it may hang up on us
		_, _ = s.Write(append(binary.AppendUvarint(nil, uint64(len(raw))), raw...))
	}
	for i := range 10 {
		hash := sha256.Sum256([]byte{byte(i)})
		key, err := multihash.Encode(hash[:], multihash.SHA2_256)
		if err != nil {
			t.Fatal(err)
		}
		m := pb.NewMessage(pb.Message_ADD_PROVIDER, key, 0)
		m.ProviderPeers = pb.RawPeerInfosToPBPeers([]peer.AddrInfo{{ID: h.ID(), Addrs: h.Addrs()}})
		send(m)
	}
	send(pb.NewMessage(pb.Message_PING, nil, 0))
	_, _ = s.Read(make([]byte, 1)) // what came before the ping was handled
	found, err := n.datastore("dht").Query(t.Context(), query.Query{Prefix: "/providers"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := found.Rest()
	if err != nil || len(rows) > 0 {
		t.Errorf("%d provider records are kept, %v", len(rows), err)
	}
}

// A node that knows one other finds all that this one knows, and finds them when that one is gone.
func TestDHTFindsNodes(t *testing.T) {
	t.Parallel()
	net := nodetest.NewNetwork(t, 0)
	seed := start(t, config(t, net))
	a, b, c := start(t, config(t, net, seeds(seed))), start(t, config(t, net, seeds(seed))), start(t, config(t, net, seeds(seed)))
	for _, n := range []*Node{a, b, c} {
		eventually(t, "everybody is found", func() bool { return len(n.host.Network().Peers()) == 3 })
	}
	stop(t, seed)
	set(t, a.Service(), "found", "x")
	for _, n := range []*Node{b, c} {
		eventually(t, "what was written without the seed", func() bool { return get(t, n.Service(), "x") == "found" })
	}
}
