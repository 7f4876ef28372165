package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
)

func (c *cli) seedsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "seeds",
		Short: "Show the node's bootstrap sources (seeds, DHT, local network) and which of them answer",
		Long: `Show the node's bootstrap sources, and which of them answer. The node stays connected to its seeds, and to the peers that were added
by hand. Where it takes part in the public DHT, the bootstrap peers of that DHT (rendezvous) are listed, too. It asks three of them at
random. Without a running node the command shows what a node would use. With --json it prints what GET /v1/seeds answers, and whether
a node is running.

KIND       seed; rendezvous; added: by hand, until the node stops (lf connect); remembered: the same, and also after a restart
STATE      connected; dialing; failing: it did not answer; waiting: it was not dialed yet, or the connection has ended
ANSWERED   how long it has been connected, or when it last answered
FAILED     failed dials since then
NEXT DIAL  when the node tries again
ADDRESS    its multiaddrs, as --seed and --rendezvous take them, and under them what is wrong

A network's file carries its seeds (lf network new --seed), and the home keeps them with the network. The default network is built
into the program, and its seeds with it, from the file seeds.json of the source:

  network     the ID of the network that they are of
  seeds       nodes of that network, each a multiaddr with the peer ID at its end: /dns4/lf.example.org/tcp/9908/p2p/12D3KooW...
  rendezvous  peers of the public DHT, written the same way: nodes without a known peer meet there

Seeds are no part of a network's ID: they can be added to its file, and the node started with --network FILE.

lf node --seed replaces the seeds until the node stops, and --rendezvous the bootstrap peers of the public DHT. Nodes of other
networks than the default one take part in the public DHT with --rendezvous only, those of private networks never.`,
		Example: `  lf seeds
  lf node --seed /dns4/lf.example.org/tcp/9908/p2p/12D3KooW...
  lf network new -o team.lfnet --name team --seed /dns4/lf.example.org/tcp/9908/p2p/12D3KooW...`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.seeds(cmd.Context()) },
	}
}

// seedsOutput is what lf seeds writes as JSON.
type seedsOutput struct {
	Running bool `json:"running"`
	api.Seeds
}

func (c *cli) seeds(ctx context.Context) error {
	shown, err := c.runningSeeds(ctx)
	if c.noNode(err) {
		shown, err = c.plannedSeeds()
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(shown)
	}
	if !shown.Running {
		c.note("no node is running: this is what lf node would begin with")
	}
	return c.showSeeds(shown)
}

func (c *cli) runningSeeds(ctx context.Context) (*seedsOutput, error) {
	client, err := c.connect(ctx, reading)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	seeds, err := client.Node().Seeds(ctx)
	if err != nil {
		return nil, err
	}
	return &seedsOutput{true, *seeds}, nil
}

// noNode reports whether an error says that the home's node is not running. A node that the user
// named should be.
func (c *cli) noNode(err error) bool {
	var unreachable *api.UnreachableError
	refused := errors.As(err, &unreachable) && noListener(err)
	return c.givenAPI() == "" && (refused || errors.Is(err, fs.ErrNotExist))
}

// plannedSeeds are the seeds that a node without flags would use in this home.
func (c *cli) plannedSeeds() (*seedsOutput, error) {
	h, err := c.openHome() // one that a node could make
	if err != nil {
		return nil, err
	}
	file, err := nodeNetwork(h, "", false)
	if err != nil {
		return nil, err
	}
	lead, err := new(nodeFlags).chosenRendezvous(file.ID)
	if err != nil {
		return nil, err
	}
	shown := &seedsOutput{Seeds: api.Seeds{Seeds: planned(api.KindSeed, file.Seeds)}}
	remembered, err := h.Peers()
	if err != nil {
		return nil, err
	}
	for _, s := range planned(api.KindAdded, remembered) {
		s.Remembered = true
		shown.Seeds.Seeds = append(shown.Seeds.Seeds, s)
	}
	switch {
	case file.Secret != nil:
		shown.Rendezvous.Why = api.WhyPrivate
	case len(lead) == 0:
		shown.Rendezvous.Why = api.WhyNotNamed
	default:
		shown.Rendezvous.On = true
		shown.Seeds.Seeds = append(shown.Seeds.Seeds, planned(api.KindRendezvous, lead)...)
	}
	return shown, nil
}

// planned lists peers as a node would, several addresses of one together.
func planned(kind string, list []string) []api.Seed {
	seeds, at := []api.Seed{}, map[string]int{}
	for _, s := range list {
		info, err := peer.AddrInfoFromString(s)
		if err != nil || len(info.Addrs) == 0 {
			seeds = append(seeds, api.Seed{
				Kind: kind, Addresses: []string{s}, State: api.SeedFailing, Error: "not a multiaddr with a peer ID: lf node will not start with it",
			})
			continue
		}
		id := info.ID.String()
		i, known := at[id]
		if !known {
			i, at[id] = len(seeds), len(seeds)
			seeds = append(seeds, api.Seed{Kind: kind, Peer: id, State: api.SeedWaiting})
		}
		seeds[i].Addresses = append(seeds[i].Addresses, info.Addrs[0].String())
	}
	return seeds
}
