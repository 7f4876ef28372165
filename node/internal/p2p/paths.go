package p2p

import (
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// compareConns orders a peer's connections: a direct one before one through a relay, and of the
// same kind the older one first.
func compareConns(a, b network.Conn) int {
	if relayed := IsCircuit(a.RemoteMultiaddr()); relayed != IsCircuit(b.RemoteMultiaddr()) {
		if relayed {
			return 1
		}
		return -1
	}
	return a.Stat().Opened.Compare(b.Stat().Opened)
}

// pathOf is how a connection leads to its peer, and through which relay, "" for none.
func pathOf(c network.Conn, punches *holePunchLog) (path, relay string) {
	at := c.RemoteMultiaddr()
	switch {
	case IsCircuit(at):
		return api.PathRelayed, relayOf(at)
	case punches != nil && punches.wasPunched(c.RemotePeer(), c.Stat().Opened):
		return api.PathPunched, ""
	}
	return api.PathDirect, ""
}

// relayOf is the peer ID of the relay in an address, which comes before the circuit.
func relayOf(a ma.Multiaddr) string {
	relay := ""
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_P2P:
			relay = c.Value()
		case ma.P_CIRCUIT:
			return relay
		}
	}
	return relay
}

// transportOf is what an address is dialed over; that of a circuit, what its relay is dialed over.
func transportOf(a ma.Multiaddr) string {
	transport := api.TransportTCP
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_CIRCUIT:
			return transport
		case ma.P_QUIC_V1:
			transport = api.TransportQUIC
		case ma.P_WS, ma.P_WSS:
			transport = api.TransportWebSocket
		}
	}
	return transport
}
