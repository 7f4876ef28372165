package main

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/lf-store/lf/cmd/internal/testbed/publicdht"
)

// stranger holds the flags of testbed-public-dht.
type stranger struct {
	network       string
	listen, seeds []string
}

func (c *cli) testbedPublicDHTCommand() *cobra.Command {
	var r stranger
	cmd := &cobra.Command{
		Use:    "testbed-public-dht",
		Short:  "Be a peer of a testbed's public DHT",
		Hidden: true,
		Long: `Serve a DHT of the public one's protocol to the nodes of a testbed, until interrupted, and relay for them. The line "ready" is written
to standard output when it begins. It knows nobody but the seeds: it is for tests.`,
		Example: `  lf testbed-public-dht --home stranger --listen /ip4/127.0.0.1/tcp/0`,
		Args:    between(0, 0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.serveDHT(cmd.Context(), &r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.network, "network", "", "network file, which it does not look at")
	f.StringArrayVar(&r.listen, "listen", nil, "listen for peers on this multiaddr (repeatable)")
	f.StringArrayVar(&r.seeds, "seed", nil, "another peer of the DHT, a multiaddr with peer ID (repeatable)")
	return cmd
}

func (c *cli) serveDHT(ctx context.Context, r *stranger) error {
	place, err := c.openHome()
	if err != nil {
		return err
	}
	config := publicdht.Config{Listen: r.listen, Ready: func() error { return c.print("ready\n") }}
	if config.Identity, err = place.Identity(); err != nil {
		return err
	}
	if config.Peers, err = seedInfos(r.seeds); err != nil {
		return err
	}
	return publicdht.Run(ctx, config)
}

// seedInfos reads the multiaddrs of the hidden commands' seeds; several may be one peer's.
func seedInfos(seeds []string) (infos []peer.AddrInfo, err error) {
	for _, seed := range seeds {
		info, err := peer.AddrInfoFromString(seed)
		if err != nil {
			return nil, usage("--seed %s is not a multiaddr with a peer ID: %v", seed, err)
		}
		infos = append(infos, *info)
	}
	return infos, nil
}
