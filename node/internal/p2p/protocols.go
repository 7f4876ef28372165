package p2p

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// streamServices is the table of the stream protocols that a node serves.
func streamServices() []lfsync.Service { return append(lfsync.Services(), clone.Service) }

// ProtocolPrefix begins the names of all protocols of the host's network.
func (h *Host) ProtocolPrefix() string { return h.config.Network.StreamPrefix() }

// Speaks reports whether a connected peer speaks the network's protocols.
func (h *Host) Speaks(p peer.ID) bool { return speaks(h, h.config.Network, p) }

func speaks(h host.Host, n *protocol.Network, p peer.ID) bool {
	known, err := h.Peerstore().SupportsProtocols(p, fetchProtocol(n))
	return err == nil && len(known) > 0
}

// fetchProtocol is a protocol that every node of a network speaks.
func fetchProtocol(n *protocol.Network) libp2pprotocol.ID {
	return libp2pprotocol.ID(n.StreamProtocol("fetch"))
}

// Addresses are the multiaddrs, peer ID included, under which a host can be dialed, sorted.
func Addresses(h host.Host) []string {
	list := []string{}
	for _, a := range h.Addrs() {
		list = append(list, a.String()+"/p2p/"+h.ID().String())
	}
	slices.Sort(list)
	return list
}
