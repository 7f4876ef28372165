package p2p

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// rankDials is libp2p's order of dials to a peer, with one change. Where a peer speaks QUIC, its
// other public addresses wait quicAhead longer.
//
// libp2p gives QUIC a quarter of a second. So one lost packet turns a connection into one of TCP,
// and there is only one with each peer. A node behind a router learns its public address from its
// peers, for the transports that it uses with them. Two nodes that learned addresses of different
// transports cannot punch a hole, and stay on a relay.
func rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	ranked, speaksQUIC := swarm.DefaultDialRanker(addrs), false
	for _, r := range ranked {
		speaksQUIC = speaksQUIC || isPublicQUIC(r.Addr)
	}
	if !speaksQUIC {
		return ranked
	}
	for i, r := range ranked {
		if ip, isIP := IPOf(r.Addr); isIP && IsPublic(ip) && !isPublicQUIC(r.Addr) {
			ranked[i].Delay += quicAhead
		}
	}
	return ranked
}

// isPublicQUIC reports whether an address leads directly to a peer's public QUIC port.
func isPublicQUIC(a ma.Multiaddr) bool {
	ip, isIP := IPOf(a)
	_, err := a.ValueForProtocol(ma.P_QUIC_V1)
	return isIP && IsPublic(ip) && err == nil && !IsCircuit(a)
}
