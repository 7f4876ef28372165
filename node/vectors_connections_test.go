package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/pnet"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/lf-store/lf/internal/vectortest"
	"github.com/lf-store/lf/protocol"
)

// connectionVectors are the names that the nodes of one network go by. protocol/testdata/README.md
// says what they mean.
type connectionVectors struct {
	Network    string `json:"network"`
	Topic      string `json:"topic"`
	Pulses     string `json:"pulses"`
	Reconcile  string `json:"reconcile"`
	Fetch      string `json:"fetch"`
	Push       string `json:"push"`
	Clock      string `json:"clock"`
	Pulse      string `json:"pulse"`
	DHT        string `json:"dht"`
	Rendezvous string `json:"rendezvous"`
	MDNS       string `json:"mdns"`
	Secret     string `json:"secret"`
	SwarmKey   string `json:"swarmKey"`
}

// makeConnectionVectors follows SPEC.md's words.
func makeConnectionVectors(t *testing.T, n *protocol.Network) connectionVectors {
	t.Helper()
	id, text := n.ID(), n.ID().String()
	at, secret := sha256.Sum256([]byte("lf/rendezvous/1/"+text)), sha256.Sum256([]byte("lf test secret"))
	mdns := sha256.Sum256(append([]byte("lf/mdns/1"), id[:]...))
	return connectionVectors{
		Network: "free", Topic: "/lf/" + text + "/records/1", Pulses: "/lf/" + text + "/pulses/1",
		Reconcile: "/lf/" + text + "/reconcile/1", Fetch: "/lf/" + text + "/fetch/1", Push: "/lf/" + text + "/push/1",
		Clock: "/lf/" + text + "/clock/1", Pulse: "/lf/" + text + "/pulse/1", DHT: "/lf/" + text + "/kad/1.0.0",
		Rendezvous: protocol.ValueID(at).String(), MDNS: "_lf-" + hex.EncodeToString(mdns[:])[:8] + "._udp",
		Secret: hex.EncodeToString(secret[:]), SwarmKey: "/key/swarm/psk/1.0.0/\n/base16/\n" + hex.EncodeToString(secret[:]),
	}
}

// TestVectorsConnections has a host of libp2p meet a node of a private network and find all that
// the vectors name. The host knows nothing but the vectors and the least that SPEC.md asks for
// (TCP, Noise, Yamux, identify).
func TestVectorsConnections(t *testing.T) {
	t.Parallel()
	n := vectortest.Network(t, "free")
	made := makeConnectionVectors(t, n)
	vectortest.Hold(t, "connections.json", made)
	secret, _ := hex.DecodeString(made.Secret)
	node := start(t, config(t, n, private((*protocol.Secret)(secret))))
	h := leastHost(t, made)
	if err := h.Connect(t.Context(), *host.InfoFromHost(node.host)); err != nil {
		t.Fatal(err)
	}
	if c := h.Network().ConnsToPeer(node.host.ID())[0].ConnState(); c.Security != noise.ID || c.StreamMultiplexer != yamux.ID {
		t.Errorf("the connection is %+v", c)
	}
	listed, err := h.Peerstore().GetProtocols(node.host.ID())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(specProtocols(t, n), made.Reconcile, made.Fetch, made.Push, made.Clock, made.Pulse, made.DHT) {
		if !slices.Contains(listed, libp2pprotocol.ID(name)) {
			t.Errorf("the node does not speak %s, but %v", name, listed)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	gossip, err := pubsub.NewGossipSub(ctx, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{made.Topic, made.Pulses} {
		if _, err := gossip.Join(topic); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the node is in the topic", func() bool { return slices.Contains(gossip.ListPeers(topic), node.host.ID()) })
	}
}

// leastHost is a host that has the least, and the network's key from the text of a swarm.key.
func leastHost(t *testing.T, v connectionVectors) host.Host {
	t.Helper()
	psk, err := pnet.DecodeV1PSK(strings.NewReader(v.SwarmKey))
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.PrivateNetwork(psk), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// specProtocols are the names of protocols in the table of SPEC.md, section 20, that identify
// lists.
func specProtocols(t *testing.T, n *protocol.Network) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../protocol/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## 20. Connections")
	section, _, _ = strings.Cut(section, "\n**")
	below := []string{"/quic-v1", "/ws", "/wss", string(noise.ID), "/tls/1.0.0", string(yamux.ID), "/multistream/1.0.0"}
	for i, word := range strings.Split(section, "`") {
		if i%2 == 1 && strings.HasPrefix(word, "/") && !slices.Contains(below, word) {
			names = append(names, strings.Replace(word, "/CID/", fmt.Sprintf("/%s/", n.ID()), 1))
		}
	}
	if len(names) < 10 {
		t.Fatalf("SPEC.md names %v", names)
	}
	return names
}
