package main

import (
	"net"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// checkAddresses finds what is mistyped before a node writes anything into its home. Whether the
// addresses can be used is for the node to see.
func (r *nodeFlags) checkAddresses() error {
	for _, s := range r.listen {
		if _, err := multiaddr.NewMultiaddr(s); err != nil {
			return usage("--listen %q is not a multiaddr, such as /ip4/0.0.0.0/tcp/9908", s)
		}
	}
	if _, _, err := net.SplitHostPort(r.apiListen); err != nil {
		return usage("--api-listen %q is not HOST:PORT, such as 127.0.0.1:9980", r.apiListen)
	}
	if err := r.api.check(); err != nil {
		return err
	}
	return checkSeeds(r.seeds)
}

func checkSeeds(seeds []string) error {
	for _, s := range seeds {
		if info, err := peer.AddrInfoFromString(s); err != nil || len(info.Addrs) == 0 {
			return usage("--seed %q is not a multiaddr with a peer ID, such as /ip4/192.0.2.1/tcp/9908/p2p/12D3KooW...", s)
		}
	}
	return nil
}
