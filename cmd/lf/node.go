package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// nodeFlags are the flags of node.
type nodeFlags struct {
	listen, seeds  []string
	announce       []string
	rendezvous     []string
	noRendezvous   bool
	noPortMapping  bool
	noRelayService bool
	noMDNS         bool
	apiListen      string
	api            apiFlags
	network        string
	profile        string
	offline, dev   bool
	threads        int
	oracle         bool
	oracleLimit    int
	policy         string
	testbed        string
	imports        []string
	logFlags
}

// logFlags say what is logged, and how.
type logFlags struct {
	lines         *terminalLog // what the log is written to, where a bar may be drawn
	level, format string
}

func (c *cli) nodeCommand() *cobra.Command {
	var r nodeFlags
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a full node",
		Long: `Run a full node until it is interrupted. It keeps everything in its home, talks to its peers, and serves the API that the
other commands use. A second interrupt ends it at once, and still loses nothing.

Profiles: default is for a computer of one's own, server for one in a data center (never dials private addresses), local
for tests (loopback only).

--oracle makes the node an oracle. With spare CPU it publishes objections, signed with its identity, to claims that it saw after
another owner's claim to the same names. They count for users who elect it (lf oracle add, with the peer ID that lf status shows).
Each commentary costs the work of a record.

--policy says how this node ranks the claims of several owners where a question does not. The home may say it, too (trust.json).

` + policyHelp() + `

--dev makes a throw-away network in a throw-away home: no peers, hardly any work. With --home or
LF_HOME, that home is used and kept.`,
		Example: `  lf node
  lf node --dev
  lf node --oracle --oracle-limit 10
  lf node --policy certified,oracles,local
  lf node --home b --network test.lfnet --profile local --listen /ip4/127.0.0.1/tcp/0 \
      --api-listen 127.0.0.1:0 --seed /ip4/127.0.0.1/tcp/41234/p2p/12D3KooW...`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.dev && !cmd.Flags().Changed("api-listen") {
				r.apiListen = "127.0.0.1:0" // beside the usual one
			}
			if cmd.Flags().Changed("oracle-limit") && r.oracleLimit < 1 {
				return usage("--oracle-limit must be at least 1, not %d", r.oracleLimit)
			}
			return c.node(cmd.Context(), &r, cmd.Flags().Changed("seed"))
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&r.listen, "listen", nil, "listen for peers on this multiaddr (repeatable; default: the profile's)")
	f.StringArrayVar(&r.announce, "announce", nil, "tell others this multiaddr too, such as a port that the router forwards (repeatable)")
	f.StringArrayVar(&r.rendezvous, "rendezvous", nil, "find nodes in the public DHT through this peer of it, a multiaddr with peer ID (repeatable; replaces those built in for the default network)")
	f.BoolVar(&r.noRendezvous, "no-rendezvous", false, "take no part in the public DHT")
	f.BoolVar(&r.noMDNS, "no-mdns", false, "do not look for nodes on the local network (only the profile default does)")
	f.BoolVar(&r.noPortMapping, "no-port-mapping", false, "do not ask the router for an open port (only the profile default does)")
	f.BoolVar(&r.noRelayService, "no-relay-service", false, "do not relay for nodes that nobody can dial, when everybody can dial this one")
	f.StringVar(&r.apiListen, "api-listen", api.DefaultAddress, "serve the API on this HOST:PORT")
	r.api.add(f)
	f.StringArrayVar(&r.seeds, "seed", nil, "find peers through this one, a multiaddr with peer ID (repeatable; replaces the network's)")
	f.StringVar(&r.network, "network", "", "network file (default: the home's network, else the default one)")
	f.StringVar(&r.profile, "profile", "default", "default, server or local")
	f.BoolVar(&r.offline, "offline", false, "talk to no peers")
	f.BoolVar(&r.dev, "dev", false, "a throw-away network to try things out")
	f.BoolVar(&r.oracle, "oracle", false, "publish objections to claims that came second, for those who elect this node")
	f.IntVar(&r.oracleLimit, "oracle-limit", 0, "publish at most this many commentaries in an hour (default 60)")
	f.StringVar(&r.policy, "policy", "", "rank claims by this LIST of criteria where a question does not say (default: the home's, else "+protocol.DefaultPolicy().String()+")")
	mustRegister(cmd, "policy", completePolicy)
	f.IntVar(&r.threads, "threads", 0, "threads for proofs of work that clients ask for (default: all processors but one)")
	f.StringVar(&r.testbed, "testbed", "", "be a node of a testbed, as this file says")
	hide(cmd, "testbed")
	f.StringArrayVar(&r.imports, "import", nil, "take in the records of this `FILE` (lf export), from whomever; may be repeated")
	r.logFlags.add(cmd)
	return cmd
}

func (c *cli) node(ctx context.Context, r *nodeFlags, seedsGiven bool) (err error) {
	config, err := c.nodeConfig(r)
	if err != nil {
		return err
	}
	place, remove, err := c.nodeHome(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	file, err := nodeNetwork(place, r.network, r.dev)
	if err != nil {
		return err
	}
	if config.Network, err = file.Network(); err != nil {
		return err
	}
	config.Home, config.Seeds, config.NetworkSeeds, config.Secret = place, file.Seeds, file.Seeds, file.Secret
	for _, name := range r.imports {
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("--import: %w", err)
		}
	}
	if config.Rendezvous, err = r.chosenRendezvous(config.Network.ID()); err != nil {
		return err
	}
	if seedsGiven {
		config.Seeds = r.seeds
	}
	n, err := r.start(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(c.runNode(ctx, n, config, r), n.Close())
}

// start starts the node. Where its database must be brought up to date first, a terminal shows how
// far that is.
func (r *nodeFlags) start(ctx context.Context, config node.Config) (*node.Node, error) {
	if r.lines != nil {
		bar := upgradeBar{lines: r.lines}
		defer bar.end()
		config.Upgrading = bar.update
	}
	return node.Start(ctx, config)
}

// runNode says that a node is up, and shows what it does until ctx ends.
func (c *cli) runNode(ctx context.Context, n *node.Node, config node.Config, r *nodeFlags) error {
	client, err := n.Client()
	if err != nil {
		return err
	}
	if err := c.greet(n, config); err != nil {
		return err
	}
	notify(config.Logger, "READY=1")
	err = supervisor.Run(ctx, func(ctx context.Context) error {
		watchBackfill(ctx, n.Service(), &backfill{log: config.Logger, lines: r.lines})
		return ctx.Err()
	}, func(ctx context.Context) error {
		return importInto(ctx, client, r.imports, config.Logger)
	})
	c.note("stopping")
	notify(config.Logger, "STOPPING=1")
	return err
}

// nodeConfig reads what can be wrong about the flags alone.
func (c *cli) nodeConfig(r *nodeFlags) (config node.Config, err error) {
	config = node.Config{
		Listen: r.listen, Announce: r.announce, NoMDNS: r.noMDNS, NoRendezvous: r.noRendezvous, NoPortMapping: r.noPortMapping, NoRelayService: r.noRelayService, APIListen: r.apiListen, APIHosts: r.api.hosts, APIAllowOrigins: r.api.origins, APIPrivate: r.api.private, APIPublic: r.api.public, APIRate: r.api.rate, Offline: r.offline || r.dev, Threads: r.threads, Version: version,
		Oracle: node.OracleConfig{Enabled: r.oracle, PerHour: r.oracleLimit},
	}
	switch {
	case r.dev && r.network != "":
		return config, usage("--dev makes its own network: leave out --network")
	case r.dev && len(r.seeds) > 0:
		return config, usage("--dev has no peers: leave out --seed")
	case r.noRendezvous && len(r.rendezvous) > 0:
		return config, usage("--no-rendezvous and --rendezvous contradict each other: leave out one of them")
	case r.threads < 0:
		return config, usage("--threads must be at least 1, not %d", r.threads)
	case r.oracleLimit > 0 && !r.oracle:
		return config, usage("--oracle-limit is about an oracle: give --oracle too")
	}
	if err := r.checkAddresses(); err != nil {
		return config, err
	}
	config.APITrustedProxies = r.api.trusted
	if config.Policy, err = parsePolicy(r.policy); err != nil {
		return config, err
	}
	if config.Profile, err = node.ParseProfile(r.profile); err != nil {
		return config, usage("%v", err)
	}
	if r.dev {
		config.Profile = node.ProfileLocal
	}
	if config.Testbed, err = r.readTestbed(); err != nil {
		return config, err
	}
	config.Logger, err = c.logger(&r.logFlags)
	return config, err
}

// readTestbed reads the options that the testbed gives its nodes.
func (r *nodeFlags) readTestbed() (*node.Testbed, error) {
	if r.testbed == "" {
		return nil, nil
	}
	f, err := os.Open(r.testbed)
	if err != nil {
		return nil, fmt.Errorf("--testbed: %w", err)
	}
	defer f.Close()
	t, err := node.ReadTestbed(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.testbed, err)
	}
	return t, nil
}

// hide keeps a flag that is for no user out of the help.
func hide(cmd *cobra.Command, name string) {
	if err := cmd.Flags().MarkHidden(name); err != nil {
		panic(err) // a flag of that name was just added
	}
}

func (l *logFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().StringVar(&l.format, "log-format", "text", "text or json")
}

func (c *cli) logger(l *logFlags) (*slog.Logger, error) {
	var o slog.HandlerOptions
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(l.level)); err != nil || strings.ContainsAny(l.level, "+-") {
		return nil, usage("--log-level must be debug, info, warn or error, not %q", l.level)
	}
	if c.quiet {
		level = max(level, slog.LevelError)
	}
	o.Level = level
	switch l.format {
	case "text":
		if !c.interactive() {
			return slog.New(slog.NewTextHandler(c.stderr, &o)), nil
		}
		l.lines = &terminalLog{to: c.stderr}
		return slog.New(slog.NewTextHandler(l.lines, &o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.stderr, &o)), nil
	}
	return nil, usage("--log-format must be text or json, not %q", l.format)
}

// nodeHome opens the home that the user named. With --dev and no named home it makes one, which
// remove takes away again.
func (c *cli) nodeHome(r *nodeFlags) (h *home.Home, remove func() error, err error) {
	remove = func() error { return nil }
	if !r.dev || c.namedHome() != "" {
		h, err = c.openHome()
		return h, remove, err
	}
	dir, err := os.MkdirTemp("", "lf-dev-*")
	if err != nil {
		return nil, remove, fmt.Errorf("a throw-away home: %w", err)
	}
	h, err = home.Open(dir)
	return h, func() error { return os.RemoveAll(dir) }, err
}

// greeting is what a node says about itself when it is up.
type greeting struct {
	Version   string      `json:"version"`
	Network   string      `json:"network"`
	NetworkID protocol.ID `json:"networkId"`
	Peer      string      `json:"peer"`
	Addresses []string    `json:"addresses"`
	API       string      `json:"api"`
	Socket    string      `json:"socket,omitempty"`
	Home      string      `json:"home"`
}

func (c *cli) greet(n *node.Node, config node.Config) error {
	g := greeting{
		Version: version, Network: config.Network.Params().Name, NetworkID: config.Network.ID(),
		Peer: n.PeerID().String(), Addresses: n.Addresses(), API: n.APIURL(), Home: config.Home.Dir(),
	}
	if path, err := config.Home.Socket(); err == nil {
		g.Socket = path
	}
	switch {
	case c.json:
		return c.printJSON(g)
	case c.quiet:
		return nil
	}
	fields := []field{
		{"lf", g.Version}, {"network", fmt.Sprintf("%s (%s)", g.Network, g.NetworkID)}, {"peer ID", g.Peer},
	}
	for i, a := range g.Addresses {
		fields = append(fields, field{[]string{"addresses", ""}[min(i, 1)], a})
	}
	fields = append(fields, field{"API", g.API}, field{"socket", g.Socket}, field{"home", g.Home})
	if err := c.printFields(fields); err != nil {
		return err
	}
	find := "--home " + g.Home + " or LF_HOME"
	if at, err := config.Home.API(); err != nil || at != g.API { // a home that cannot be written
		find = "--api " + g.API + " or LF_API"
	}
	return c.print("\nReady. Other commands find this node with " + find + "; Ctrl-C stops it.\n")
}
