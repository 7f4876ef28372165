package p2p

import (
	"context"
	"sync"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
)

// closestRelays is how many of the peers closest in the network's DHT are asked whether they relay.
const closestRelays = 8

// enoughRelays of one kind of candidates are enough not to ask the next kind.
const enoughRelays = 3

// relaySource names peers that might relay for this node. The seeds come first, then the network's
// peers that are connected or close in its DHT. Last come other connected peers that relay: where
// no node of the network can be reached by everybody, two homes meet through them. A relay sees who
// talks with whom, and how much.
type relaySource struct {
	mu    sync.Mutex
	host  *Host
	dht   *dht.IpfsDHT
	seeds []peer.AddrInfo
}

// SeekRelays begins to look for relays: among the seeds, in the network's DHT, and among connected
// peers. A host that is meant to be dialed by everybody looks for none.
func (h *Host) SeekRelays(d *dht.IpfsDHT, seeds []peer.AddrInfo) error {
	h.relays.begin(h, d, seeds)
	if h.config.Profile != ProfileDefault {
		return nil
	}
	return seekRelaysNow(h)
}

// begin tells the source where to look; before, it names nobody.
func (s *relaySource) begin(h *Host, d *dht.IpfsDHT, seeds []peer.AddrInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.dht, s.seeds = h, d, seeds
}

// find implements autorelay.PeerSource.
func (s *relaySource) find(_ context.Context, limit int) <-chan peer.AddrInfo {
	found := make(chan peer.AddrInfo, limit)
	defer close(found)
	for _, p := range s.candidates(limit) {
		found <- p
	}
	return found
}

func (s *relaySource) candidates(limit int) (list []peer.AddrInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == nil {
		return nil
	}
	named := map[peer.ID]bool{s.host.ID(): true}
	for _, kind := range []func() []peer.AddrInfo{s.relayingSeeds, s.ofNetwork, s.others} {
		for _, p := range kind() {
			if !named[p.ID] && len(list) < limit {
				named[p.ID] = true
				list = append(list, p)
			}
		}
		if len(list) >= enoughRelays {
			break
		}
	}
	return list
}

// relayingSeeds are the seeds that relay.
func (s *relaySource) relayingSeeds() (list []peer.AddrInfo) {
	for _, p := range s.seeds {
		if s.relays(p.ID) {
			list = append(list, p)
		}
	}
	return list
}

// ofNetwork are the connected peers of the network that relay, and those close in the DHT, of which
// it is not known.
func (s *relaySource) ofNetwork() []peer.AddrInfo {
	list := s.connected(true)
	if s.dht == nil {
		return list
	}
	for _, p := range s.dht.RoutingTable().NearestPeers(kbucket.ConvertPeerID(s.host.ID()), closestRelays) {
		if at := s.host.Peerstore().PeerInfo(p); len(at.Addrs) > 0 {
			list = append(list, at)
		}
	}
	return list
}

func (s *relaySource) others() []peer.AddrInfo { return s.connected(false) }

func (s *relaySource) connected(ofNetwork bool) (list []peer.AddrInfo) {
	for _, p := range s.host.Network().Peers() {
		if s.host.Speaks(p) == ofNetwork && s.relays(p) {
			list = append(list, s.host.Peerstore().PeerInfo(p))
		}
	}
	return list
}

// relays reports whether a peer has said that it relays.
func (s *relaySource) relays(p peer.ID) bool {
	speaks, err := s.host.Peerstore().SupportsProtocols(p, proto.ProtoIDv2Hop)
	return err == nil && len(speaks) > 0
}
