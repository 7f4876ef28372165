package node

import (
	"fmt"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// listenAt has a node listen at addresses, and its API at another.
func listenAt(api string, addrs ...string) func(*Config) {
	return func(c *Config) { c.Listen, c.APIListen = addrs, api }
}

func portIn(t *testing.T, n *Node, transport string) string {
	t.Helper()
	for _, a := range n.host.Network().ListenAddresses() {
		if port, err := a.ValueForProtocol(ma.ProtocolWithName(transport).Code); err == nil {
			return port
		}
	}
	t.Fatalf("the node does not listen over %s", transport)
	return ""
}

// TestPortTaken starts a second node where a first one listens. It must say so in one line, and not
// start, whatever the port is for.
func TestPortTaken(t *testing.T) {
	net := newNetwork(t, 0)
	const anyPort = "127.0.0.1:0"
	first := start(t, config(t, net, listenAt(anyPort, "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1")))
	web := start(t, config(t, net, listenAt(anyPort, "/ip4/127.0.0.1/tcp/0/ws")))
	tcp, udp, ws := portIn(t, first, "tcp"), portIn(t, first, "udp"), portIn(t, web, "tcp")
	apiPort := strings.TrimPrefix(first.APIURL(), "http://127.0.0.1:")
	for name, taken := range map[string]func(*Config){
		"TCP by TCP":             listenAt(anyPort, "/ip4/127.0.0.1/tcp/"+tcp),
		"TCP by WebSocket":       listenAt(anyPort, "/ip4/127.0.0.1/tcp/"+tcp+"/ws"),
		"TCP by the API":         listenAt("127.0.0.1:"+tcp, "/ip4/127.0.0.1/tcp/0"),
		"QUIC by QUIC":           listenAt(anyPort, "/ip4/127.0.0.1/udp/"+udp+"/quic-v1"),
		"WebSocket by TCP":       listenAt(anyPort, "/ip4/127.0.0.1/tcp/"+ws),
		"WebSocket by WebSocket": listenAt(anyPort, "/ip4/127.0.0.1/tcp/"+ws+"/ws"),
		"the API by TCP":         listenAt(anyPort, "/ip4/127.0.0.1/tcp/"+apiPort),
		"the API by the API":     listenAt("127.0.0.1:"+apiPort, "/ip4/127.0.0.1/tcp/0"),
	} {
		t.Run(name, func(t *testing.T) {
			err := wantStartError(t, config(t, net, taken))
			if text := err.Error(); !strings.Contains(text, "another program uses that port") || !strings.Contains(text, "listen") || strings.Contains(text, "\n") {
				t.Errorf("the error is %q", text)
			}
		})
	}
}

// TestPortFree holds that a claim takes no port from the node itself. The cases are port 0, one
// port twice in the list, and a restart while the system still remembers the old connections.
func TestPortFree(t *testing.T) {
	net := newNetwork(t, 0)
	other := start(t, config(t, net))
	c := config(t, net, seeds(other))
	n := start(t, c)
	wantPeers(t, n, 1)
	tcp := portIn(t, n, "tcp")
	stop(t, n)
	c.Listen = []string{"/ip4/127.0.0.1/tcp/" + tcp, "/ip4/127.0.0.1/tcp/" + tcp, "/ip4/127.0.0.1/udp/" + tcp + "/quic-v1", "/ip4/127.0.0.1/tcp/0"}
	n = start(t, c)
	wantPeers(t, n, 1)
}

// TestDialFromPort holds that dials still leave from the port that the node listens on, where it
// has just been claimed. (Where the system remembers an older connection between the same two
// ports, libp2p dials from another one.)
func TestDialFromPort(t *testing.T) {
	net := newNetwork(t, 0)
	other := start(t, config(t, net))
	at := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t))
	n := start(t, config(t, net, seeds(other), listenAt("127.0.0.1:0", at)))
	wantPeers(t, other, 1)
	for _, conn := range other.host.Network().ConnsToPeer(n.PeerID()) {
		if conn.Stat().Direction == network.DirInbound && conn.RemoteMultiaddr().String() != at {
			t.Errorf("dialed from %s, and listens at %s", conn.RemoteMultiaddr(), at)
		}
	}
}
