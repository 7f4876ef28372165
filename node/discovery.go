package node

import (
	"context"
	"fmt"

	"github.com/ipfs/go-datastore"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
)

// newDHT joins the network's own DHT. It knows nobody but the peers that the node is connected to,
// asks those for more, and turns to the known ones only when it has none. When it looks around
// itself is left to the finder. It keeps no values, for which LF has a better place, and of
// provider records, of which anybody could store any number, only those that the door lets in: each
// is a commit of the database.
func newDHT(ctx context.Context, h host.Host, prefix string, store datastore.Batching, p Profile, known func() []peer.AddrInfo, door *providerDoor) (*dht.IpfsDHT, error) {
	mode := dht.ModeServer
	if p == ProfileDefault {
		mode = dht.ModeAuto // a client until the node turns out to be reachable
	}
	d, err := dht.New(h,
		dht.ProtocolPrefix(libp2pprotocol.ID(prefix)), dht.Datastore(store), dht.DisableValues(), dht.Mode(mode),
		dht.ProviderManagerOpts(records.ProvideValidity(provideValidity), records.ProviderAddrTTL(provideValidity)), dht.OnRequestHook(door.check),
		// the finder refreshes it
		dht.BootstrapPeersFunc(known), dht.AddressFilter(p.dialable), dht.DisableAutoRefresh(),
	)
	if err != nil {
		return nil, fmt.Errorf("DHT: %w", err)
	}
	if err := d.Bootstrap(ctx); err != nil {
		return nil, fmt.Errorf("DHT: %w", err)
	}
	return d, nil
}

// dialable keeps the addresses that a node of the profile may and can dial. Another machine's
// loopback addresses lead to this one.
func (p Profile) dialable(addrs []ma.Multiaddr) []ma.Multiaddr {
	var kept []ma.Multiaddr
	for _, a := range addrs {
		if p.mayDial(a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// dialableInfo is dialable for a peer's addresses.
func (p Profile) dialableInfo(at peer.AddrInfo) peer.AddrInfo {
	return peer.AddrInfo{ID: at.ID, Addrs: p.dialable(at.Addrs)}
}

func (p Profile) mayDial(addr ma.Multiaddr) bool {
	ip, isIP := ipOf(addr)
	return p.checkAddress(addr) == nil && (p == ProfileLocal || !isIP || !ip.IsLoopback())
}
