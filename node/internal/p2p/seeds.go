package p2p

import (
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// ParseSeeds reads multiaddrs that end in a peer ID. Several addresses of one peer become one seed.
// The node's own are left out, so that all seeds of a network can share one list (see OwnSeeds). An
// address that the profile forbids to dial is an error: the user would wait for it in vain.
func ParseSeeds(list []string, self peer.ID, p Profile) ([]peer.AddrInfo, error) {
	var seeds []peer.AddrInfo
	at := map[peer.ID]int{}
	for _, s := range list {
		where, id, err := splitPeerAddress(s)
		if err != nil {
			return nil, fmt.Errorf("seed %q %w", s, err)
		}
		if id == self {
			continue
		}
		if err := p.checkAddress(where); err != nil {
			return nil, fmt.Errorf("seed %q: %w", s, err)
		}
		i, known := at[id]
		if !known {
			i = len(seeds)
			at[id] = i
			seeds = append(seeds, peer.AddrInfo{ID: id})
		}
		if !ma.Contains(seeds[i].Addrs, where) {
			seeds[i].Addrs = append(seeds[i].Addrs, where)
		}
	}
	return seeds, nil
}

// splitPeerAddress reads one multiaddr that ends in a peer ID. The error goes on after the text
// that was read.
func splitPeerAddress(s string) (where ma.Multiaddr, id peer.ID, err error) {
	addr, err := ma.NewMultiaddr(strings.TrimSpace(s))
	if err != nil {
		return nil, "", fmt.Errorf("is not a multiaddr, such as /ip4/192.0.2.1/tcp/%d/p2p/12D3KooW…: %w", Port, err)
	}
	where, id = peer.SplitAddr(addr)
	switch {
	case id == "":
		return nil, "", errors.New("lacks the peer's ID at its end (…/p2p/12D3KooW…)")
	case len(where) == 0:
		return nil, "", fmt.Errorf("lacks an address before the peer's ID (/ip4/192.0.2.1/tcp/%d/p2p/…)", Port)
	}
	return where, id, nil
}

// parseAnnounce reads the addresses that the user wants others to be told.
func parseAnnounce(list []string) (addrs []ma.Multiaddr, err error) {
	for _, s := range list {
		addr, err := ma.NewMultiaddr(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("announced address %q is not a multiaddr, such as /dns4/lf.example.org/tcp/%d: %w", s, Port, err)
		}
		where, id := peer.SplitAddr(addr)
		if id != "" {
			return nil, fmt.Errorf("announced address %q: leave out the peer ID at its end", s)
		}
		addrs = append(addrs, where)
	}
	return addrs, nil
}

// OwnSeeds are the addresses among the seeds that are given for the node's own ID, as far as the
// node may dial them.
func OwnSeeds(list []string, self peer.ID, p Profile) (own []ma.Multiaddr, err error) {
	for _, s := range list {
		where, id, err := splitPeerAddress(s)
		if err != nil {
			return nil, fmt.Errorf("seed %q %w", s, err)
		}
		if id == self && p.checkAddress(where) == nil {
			own = append(own, where)
		}
	}
	return own, nil
}
