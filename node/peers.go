package node

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// Peers implements api.Service.
func (s *service) Peers(context.Context) ([]api.Peer, error) {
	peers := []api.Peer{}
	for _, id := range s.host.Network().Peers() {
		if p, connected := s.peer(id); connected {
			peers = append(peers, p)
		}
	}
	slices.SortFunc(peers, func(a, b api.Peer) int { return cmp.Compare(a.ID, b.ID) })
	return peers, nil
}

func (s *service) peer(id peer.ID) (p api.Peer, connected bool) {
	conns := s.host.Network().ConnsToPeer(id)
	if len(conns) == 0 {
		return p, false
	}
	p = api.Peer{
		ID: id.String(), Agent: agentOf(s.host, id), Direction: "inbound", Limited: true,
		LatencyMS: float64(s.host.Peerstore().LatencyEWMA(id)) / float64(time.Millisecond),
		Seed:      s.keeper != nil && s.keeper.isSeed(id),
		Network:   speaks(s.host, s.config.Network, id),
	}
	if at, ok := s.sync.PeerAgreement(id); ok {
		p.AgreedAt = millis(at)
	}
	slices.SortFunc(conns, better)
	p.Path, p.Relay = pathOf(conns[0], s.punches)
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
