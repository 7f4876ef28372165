package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// private gives a node a secret and both transports of private networks.
func private(secret *protocol.Secret) func(*Config) {
	return func(c *Config) {
		c.Secret = secret
		c.Listen = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"}
	}
}

func newSecret(t *testing.T) *protocol.Secret {
	t.Helper()
	s, err := protocol.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nodes with the secret find and read each other over TCP and over WebSocket alike.
func TestPrivateNetwork(t *testing.T) {
	t.Parallel()
	network, secret := newNetwork(t, 0), newSecret(t)
	seed := start(t, config(t, network, private(secret)))
	for _, transport := range []string{"/ws/", "/tcp/"} {
		var at []string
		for _, a := range seed.Addresses() {
			if strings.Contains(a, "/ws/") == (transport == "/ws/") {
				at = append(at, a)
			}
		}
		n := start(t, config(t, network, private(secret), func(c *Config) { c.Seeds = at }))
		set(t, seed.Service(), "over "+transport, transport)
		eventually(t, "what was written comes over "+transport, func() bool { return get(t, n.Service(), transport) == "over "+transport })
	}
	f, err := client(t, seed).Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(f); err != nil || f.Secret != nil || strings.Contains(string(text), "secret") {
		t.Errorf("the API tells the secret: %s, %v", text, err)
	}
	if _, f, err := seed.config.Home.Network(); err != nil || f.Secret == nil || *f.Secret != *secret {
		t.Errorf("the home keeps %v, %v", f.Secret, err)
	}
	c := config(t, network, private(secret))
	c.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1"}
	if err := wantStartError(t, c); strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

// A host knows a private network's ID and where its nodes are, and has no secret or a wrong one. It
// gets nothing: no connection, no word of what the node is, no answer under any of its protocols.
func TestPrivateNetworkAnswersNoStranger(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	n := start(t, config(t, network, private(newSecret(t))))
	set(t, n.Service(), "private", "x")
	for name, options := range map[string][]libp2p.Option{
		"no secret":      {},
		"another secret": {libp2p.PrivateNetwork(pnet.PSK(newSecret(t)[:]))},
	} {
		options = append(options, libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(websocket.New))
		h, err := libp2p.New(options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		for _, addr := range n.host.Addrs() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if err := h.Connect(ctx, peer.AddrInfo{ID: n.PeerID(), Addrs: []ma.Multiaddr{addr}}); err == nil {
				t.Errorf("%s: connected to %s", name, addr)
			}
			for _, p := range n.host.Mux().Protocols() {
				if s, err := h.NewStream(ctx, n.PeerID(), p); err == nil {
					t.Errorf("%s: %s speaks %s", name, addr, p)
					_ = s.Reset()
				}
			}
			cancel()
		}
		if known, _ := h.Peerstore().GetProtocols(n.PeerID()); len(known) > 0 {
			t.Errorf("%s: the node told that it speaks %v", name, known)
		}
		if agent, err := h.Peerstore().Get(n.PeerID(), "AgentVersion"); err == nil {
			t.Errorf("%s: the node told that it is %v", name, agent)
		}
	}
	if peers, err := api.AllPeers(t.Context(), n.Service()); err != nil || len(peers) > 0 {
		t.Errorf("strangers are peers: %v, %v", peers, err)
	}
	for _, hello := range []string{"", "\x13/multistream/1.0.0\n", strings.Repeat("\x13/multistream/1.0.0\n", 10), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		if said := call(t, n, hello); bytes.Contains(said, []byte("multistream")) || bytes.Contains(said, []byte("noise")) {
			t.Errorf("to %q the node says %q", hello, said)
		}
	}
	if text := []libp2pprotocol.ID{libp2pprotocol.ID(n.host.ProtocolPrefix() + "/fetch/1")}; len(n.host.Mux().Protocols()) < 4 {
		t.Errorf("the node speaks %v only, not even %v: the test shows nothing", n.host.Mux().Protocols(), text)
	}
}

// call says something to a node's TCP port and returns what comes back within a moment.
func call(t *testing.T, n *Node, hello string) []byte {
	t.Helper()
	var at ma.Multiaddr
	for _, a := range n.host.Addrs() {
		if _, err := a.ValueForProtocol(ma.P_WS); err != nil {
			at = a
		}
	}
	addr, err := manet.ToNetAddr(at)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, hello)
	_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	said, _ := io.ReadAll(io.LimitReader(c, 1<<16))
	return said
}
