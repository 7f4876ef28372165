package main

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/lf-store/lf/cmd/internal/testbed/publicdht"
)

// publicDHTFlags are the flags of public-dht.
type publicDHTFlags struct {
	home          string
	network       string
	listen, seeds []string
}

func (p *program) publicDHTCommand() *cobra.Command {
	var r publicDHTFlags
	cmd := &cobra.Command{
		Use:    "public-dht",
		Short:  "Be a peer of a testbed's public DHT",
		Hidden: true,
		Long: `Serve a DHT of the public one's protocol to the nodes of a testbed, until interrupted, and relay for them. The line "ready" is written
to standard output when it begins. It knows nobody but the seeds: it is for tests.`,
		Example: `  lf-testbed public-dht --home stranger --listen /ip4/127.0.0.1/tcp/0`,
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.serveDHT(cmd.Context(), &r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.home, "home", "", "directory of the identity")
	f.StringVar(&r.network, "network", "", "network file, which it does not look at")
	f.StringArrayVar(&r.listen, "listen", nil, "listen for peers on this multiaddr (repeatable)")
	f.StringArrayVar(&r.seeds, "seed", nil, "another peer of the DHT, a multiaddr with peer ID (repeatable)")
	return cmd
}

func (p *program) serveDHT(ctx context.Context, r *publicDHTFlags) error {
	place, err := openHome(r.home)
	if err != nil {
		return err
	}
	config := publicdht.Config{Listen: r.listen, Ready: func() error { _, err := fmt.Fprintln(p.stdout, "ready"); return err }}
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
