package discovery

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/protocol"
)

// rendezvousKey is the content that nodes of a network claim to provide, in the network's own DHT
// and in the public one. A node that looks for providers finds them. No content exists under it. It
// is CIDv1(raw, sha2-256("lf/rendezvous/1/" ‖ the network's ID as text)).
func rendezvousKey(n *protocol.Network) (cid.Cid, error) {
	hash, err := multihash.Sum([]byte("lf/rendezvous/1/"+n.ID().String()), multihash.SHA2_256, -1)
	if err != nil {
		return cid.Undef, err
	}
	return cid.NewCidV1(cid.Raw, hash), nil
}

// The bounds of what a node keeps for the network's DHT.
const (
	// maxProviders is how many nodes may be entered under the rendezvous key, about 200 bytes each.
	// A node that looks for others needs far fewer.
	maxProviders = 1024
	// providersPerNet is how many of them may come from one /24 (IPv6: /48). So an attacker with
	// one address and many keys does not take the room of all others.
	providersPerNet = 16
	// provideValidity is how long an entry stands that is not renewed. A node that left is no
	// longer found after that.
	provideValidity = 6 * time.Hour
	// provideEvery is the pause between renewals: three may fail.
	provideEvery = 90 * time.Minute
)

// providerDoor decides which provider records the node takes into its part of the network's DHT. It
// takes only those for the rendezvous key, of a bounded number of peers.
type providerDoor struct {
	key []byte // the rendezvous key's multihash
	now func() time.Time

	mu      sync.Mutex
	entered map[peer.ID]entered
}

type entered struct {
	net   netip.Prefix
	until time.Time
}

func newProviderDoor(at cid.Cid, now func() time.Time) *providerDoor {
	return &providerDoor{key: at.Hash(), now: now, entered: map[peer.ID]entered{}}
}

// check is the DHT's hook on requests. What the door refuses loses its key, and the DHT refuses it.
func (d *providerDoor) check(_ context.Context, s network.Stream, req *pb.Message) {
	if req.GetType() != pb.Message_ADD_PROVIDER {
		return
	}
	if string(req.GetKey()) != string(d.key) || !d.enter(s.Conn().RemotePeer(), netOf(s.Conn())) {
		req.Key = nil
	}
}

// enter makes room for a peer, or says that there is none.
func (d *providerDoor) enter(p peer.ID, from netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if _, known := d.entered[p]; !known && !d.room(from, now) {
		return false
	}
	d.entered[p] = entered{from, now.Add(provideValidity)}
	return true
}

func (d *providerDoor) room(from netip.Prefix, now time.Time) bool {
	if len(d.entered) >= maxProviders {
		maps.DeleteFunc(d.entered, func(_ peer.ID, e entered) bool { return now.After(e.until) })
	}
	neighbors := 0
	for _, e := range d.entered {
		if e.net == from && from.IsValid() && now.Before(e.until) {
			neighbors++
		}
	}
	return len(d.entered) < maxProviders && neighbors < providersPerNet
}

// netOf is the network that a connection comes from. It is the zero value for private networks and
// relays, where many peers may share one address.
func netOf(c network.Conn) netip.Prefix {
	ip, isIP := p2p.IPOf(c.RemoteMultiaddr())
	if !isIP || !p2p.IsPublic(ip) || p2p.IsCircuit(c.RemoteMultiaddr()) {
		return netip.Prefix{}
	}
	bits := 24
	if ip.Is6() {
		bits = 48
	}
	net, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return net
}
