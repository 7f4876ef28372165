package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/cmd/internal/testbed/hostile"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// hostileFlags are the flags of hostile.
type hostileFlags struct {
	home    string
	network string
	listen  []string
	seeds   []string
	lull    time.Duration
	lasts   time.Duration
}

func (p *program) hostileCommand() *cobra.Command {
	var r hostileFlags
	var modes strings.Builder
	for _, m := range hostile.Modes() {
		fmt.Fprintf(&modes, "\n  %-26s%s", m.Name, m.About)
	}
	cmd := &cobra.Command{
		Use:    "hostile MODE",
		Short:  "Be a hostile peer of the nodes of a testbed",
		Hidden: true,
		Long: `Connect to the seeds and speak the network's protocols wrongly on purpose, until interrupted. The line "ready" is written to
standard output when it begins, and then what happens, one JSON object a line. It reaches this machine only: it is for tests.

Modes:` + modes.String(),
		Example: `  lf-testbed hostile gossip-garbage --home mallory --network test.lfnet --listen /ip4/127.0.0.1/tcp/0 \
      --seed /ip4/127.0.0.1/tcp/41234/p2p/12D3KooW...`,
		Args: exactly(1, "one mode"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.attack(cmd.Context(), args[0], &r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.home, "home", "", "directory of the identity")
	f.StringVar(&r.network, "network", "", "network file")
	f.StringArrayVar(&r.listen, "listen", nil, "listen for peers on this multiaddr (repeatable)")
	f.StringArrayVar(&r.seeds, "seed", nil, "attack this node, a multiaddr with peer ID (repeatable)")
	f.DurationVar(&r.lull, "lull", 3*time.Second, "behave for so long before it begins")
	f.DurationVar(&r.lasts, "for", 30*time.Minute, "end by itself after so long")
	return cmd
}

func (p *program) attack(ctx context.Context, mode string, r *hostileFlags) error {
	if r.network == "" {
		return usage("name the network file with --network")
	}
	place, err := openHome(r.home)
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
	out, broken := json.NewEncoder(p.stdout), error(nil)
	config.Report = func(e hostile.Event) {
		err := error(nil)
		if e.Kind == hostile.Begun {
			_, err = fmt.Fprintln(p.stdout, "ready")
		}
		if err = errors.Join(err, out.Encode(e)); err != nil && broken == nil {
			broken = err
			stop() // nobody listens any more
		}
	}
	config.Solve = solver(ctx)
	return errors.Join(hostile.Run(ctx, config), broken)
}

// openHome opens the home of a hidden command, which has to be named.
func openHome(dir string) (*home.Home, error) {
	if dir == "" {
		return nil, usage("name the directory of the identity with --home")
	}
	return home.Open(dir)
}

// maxNetworkFile bounds what is read of a file that should describe a network.
const maxNetworkFile = 1 << 20

func readNetworkFile(name string) (f protocol.NetworkFile, err error) {
	file, err := os.Open(name)
	if err != nil {
		return f, fmt.Errorf("network: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxNetworkFile))
	if err == nil {
		_, f, err = protocol.ParseNetworkFile(data)
	}
	if err != nil {
		return f, fmt.Errorf("network %s: %w", name, err)
	}
	return f, nil
}

// solver does proofs of work on one thread.
func solver(ctx context.Context) protocol.WorkSolver {
	return func(challenge []byte, effort uint32) (protocol.Work, error) {
		proof, err := pow.Solve(ctx, challenge, effort, 1, nil)
		return protocol.Work{Nonce: proof.Nonce, Solution: proof.Solution, Effort: effort}, err
	}
}
