package p2p

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// maxAgent bounds, in bytes, what is shown of a peer's description of itself.
const maxAgent = 64

// Peer describes a connected peer, as far as the host knows it.
func (h *Host) Peer(id peer.ID) (p api.Peer, connected bool) {
	conns := h.Network().ConnsToPeer(id)
	if len(conns) == 0 {
		return p, false
	}
	p = api.Peer{
		ID: id.String(), Agent: agentOf(h, id), Direction: "inbound", Limited: true,
		LatencyMS: float64(h.Peerstore().LatencyEWMA(id)) / float64(time.Millisecond),
		Network:   h.Speaks(id),
	}
	slices.SortFunc(conns, compareConns)
	p.Path, p.Relay = pathOf(conns[0], h.punches)
	p.Transport = transportOf(conns[0].RemoteMultiaddr())
	for _, c := range conns {
		p.Addresses = append(p.Addresses, c.RemoteMultiaddr().String())
		p.Limited = p.Limited && c.Stat().Limited
		if c.Stat().Direction == network.DirOutbound {
			p.Direction = "outbound"
		}
	}
	return p, true
}

// PeerCounts counts the connected peers.
func (h *Host) PeerCounts() (c api.PeerCounts) {
	for _, p := range h.Network().Peers() {
		state := h.Network().Connectedness(p)
		switch {
		case state == network.NotConnected:
		case !h.Speaks(p):
			c.Others++
		case state == network.Limited:
			c.Relayed++
			c.Network++
		default:
			c.Network++
		}
	}
	return c
}

// agentOf returns what a peer says it is, cut to a size and to characters that can be shown in a
// terminal.
func agentOf(h host.Host, id peer.ID) string {
	v, err := h.Peerstore().Get(id, "AgentVersion")
	agent, ok := v.(string)
	if err != nil || !ok {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""))
}
