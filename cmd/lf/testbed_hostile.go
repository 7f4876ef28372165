package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/cmd/internal/testbed/hostile"
)

// attacking holds the flags of testbed-hostile.
type attacking struct {
	network string
	listen  []string
	seeds   []string
	lull    time.Duration
	lasts   time.Duration
}

func (c *cli) testbedHostileCommand() *cobra.Command {
	var r attacking
	var modes strings.Builder
	for _, m := range hostile.Modes() {
		fmt.Fprintf(&modes, "\n  %-26s%s", m.Name, m.About)
	}
	cmd := &cobra.Command{
		Use:    "testbed-hostile MODE",
		Short:  "Be a hostile peer of the nodes of a testbed",
		Hidden: true,
		Long: `Connect to the seeds and speak the network's protocols wrongly on purpose, until interrupted. The line "ready" is written to
standard output when it begins, and then what happens, one JSON object a line. It reaches this machine only: it is for tests.

Modes:` + modes.String(),
		Example: `  lf testbed-hostile gossip-garbage --home mallory --network test.lfnet --listen /ip4/127.0.0.1/tcp/0 \
      --seed /ip4/127.0.0.1/tcp/41234/p2p/12D3KooW...`,
		Args: between(1, 1, "one mode"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.attack(cmd.Context(), args[0], &r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.network, "network", "", "network file")
	f.StringArrayVar(&r.listen, "listen", nil, "listen for peers on this multiaddr (repeatable)")
	f.StringArrayVar(&r.seeds, "seed", nil, "attack this node, a multiaddr with peer ID (repeatable)")
	f.DurationVar(&r.lull, "lull", 3*time.Second, "behave for so long before it begins")
	f.DurationVar(&r.lasts, "for", 30*time.Minute, "end by itself after so long")
	return cmd
}

func (c *cli) attack(ctx context.Context, mode string, r *attacking) error {
	if r.network == "" {
		return usage("give --network")
	}
	place, err := c.openHome()
	if err != nil {
		return err
	}
	file, err := readNetworkFile(r.network)
	if err != nil {
		return err
	}
	config := hostile.Config{Mode: mode, Listen: r.listen, Lull: r.lull}
	if config.Network, err = file.Network(); err != nil {
		return err
	}
	if config.Identity, err = place.Identity(); err != nil {
		return err
	}
	if config.Targets, err = seedInfos(r.seeds); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, r.lasts)
	defer stop()
	out, broken := json.NewEncoder(c.stdout), error(nil)
	config.Report = func(e hostile.Event) {
		err := error(nil)
		if e.Kind == hostile.Begun {
			err = c.print("ready\n")
		}
		if err = errors.Join(err, out.Encode(e)); err != nil && broken == nil {
			broken = err
			stop() // nobody listens any more
		}
	}
	config.Solve = solver(ctx, 1, nil)
	return errors.Join(hostile.Run(ctx, config), broken)
}
