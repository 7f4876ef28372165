package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/proxy"
	"github.com/lf-store/lf/protocol"
)

// proxyFlags are the flags of proxy.
type proxyFlags struct {
	nodes   []string
	tokens  string
	compare int
	writeTo int
	threads int
	listen  string
	cert    string
	key     string
	api     apiFlags
	network string
	logFlags
}

func (c *cli) proxyCommand() *cobra.Command {
	var r proxyFlags
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Run a proxy: the API of a node, without records of its own",
		Long: `Run a proxy until it is interrupted. It serves the API of a node and keeps no records: it asks full nodes. All other commands
work with it as with a node.

A proxy verifies every record, asks several nodes the same, and unites what they say. Where an honest majority is asked, no
single node can make it answer falsely. Nodes that are down, slow, not in sync or on another network are passed over.

The home of a proxy is its own. The file of --node-token-file has a line for each node: its address and its token. A token of
lf token add NAME --submit suffices, and a node that is reached through a socket needs none.`,
		Example: `  lf proxy --home p --node http://192.0.2.1:9980 --node http://192.0.2.2:9980 --node http://192.0.2.3:9980 \
      --node-token-file tokens --network net.lfnet
  lf proxy --home p --node unix:/home/me/.lf/api.sock --listen 127.0.0.1:0
  LF_API=http://127.0.0.1:9981 lf get horse --explain`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.proxy(cmd.Context(), &r) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&r.nodes, "node", nil, "ask this full node: http://HOST:PORT, https://HOST or unix:PATH (repeatable; those named first are preferred)")
	f.StringVar(&r.tokens, "node-token-file", "", "file with a line for each node: its address and its token")
	f.IntVar(&r.compare, "compare", proxy.DefaultCompare, "ask this many nodes the same, where there are as many, and compare what they say")
	f.IntVar(&r.writeTo, "write-to", 1, "acknowledge a record when this many nodes have attached it")
	f.IntVar(&r.threads, "threads", 0, "threads for the proofs of work of clients (default: all processors but one)")
	f.StringVar(&r.listen, "listen", proxy.DefaultListen, "serve the API on this HOST:PORT")
	f.StringVar(&r.cert, "tls-cert", "", "serve the API by HTTPS with this certificate (PEM, with those of the CAs above it); a new one in its place is used at once")
	f.StringVar(&r.key, "tls-key", "", "the key of --tls-cert (PEM)")
	r.api.add(f)
	f.StringVar(&r.network, "network", "", "network file (default: the home's network, else the default one)")
	r.logFlags.add(cmd)
	cmd.AddCommand(c.proxyClientCommand())
	return cmd
}

func (c *cli) proxy(ctx context.Context, r *proxyFlags) error {
	config, err := c.proxyConfig(r)
	if err != nil {
		return err
	}
	if config.Home, err = c.openHome(); err != nil {
		return err
	}
	file, err := nodeNetwork(config.Home, r.network, false)
	if err != nil {
		return err
	}
	if config.Network, err = file.Network(); err != nil {
		return err
	}
	p, err := proxy.Start(ctx, config)
	if err != nil {
		return err
	}
	if err = c.greetProxy(p, config); err == nil {
		notify(config.Logger, "READY=1")
		<-ctx.Done()
		c.note("stopping")
		notify(config.Logger, "STOPPING=1")
	}
	return errors.Join(err, p.Close())
}

// proxyConfig reads what can be wrong about the flags alone.
func (c *cli) proxyConfig(r *proxyFlags) (config proxy.Config, err error) {
	config = proxy.Config{
		Compare: r.compare, WriteTo: r.writeTo, Threads: r.threads, Listen: r.listen, TLSCert: r.cert, TLSKey: r.key, Hosts: r.api.hosts, AllowOrigins: r.api.origins, Private: r.api.private, Public: r.api.public, AnonymousRate: r.api.rate, Version: version, Timeout: c.timeout,
	}
	switch {
	case len(r.nodes) == 0:
		return config, usage("a proxy needs a node to ask: give one with --node")
	case r.compare < 1:
		return config, usage("--compare must be at least 1, not %d", r.compare)
	case r.writeTo < 1 || r.writeTo > len(r.nodes):
		return config, usage("--write-to must be 1 to %d, the number of nodes, not %d", len(r.nodes), r.writeTo)
	case r.threads < 0:
		return config, usage("--threads must be at least 1, not %d", r.threads)
	case (r.cert == "") != (r.key == ""):
		return config, usage("--tls-cert and --tls-key go together: give both")
	case c.timeout <= 0:
		return config, usage("--timeout must be above 0, not %s", c.timeout)
	}
	if _, _, err := net.SplitHostPort(r.listen); err != nil {
		return config, usage("--listen %q is not HOST:PORT, such as %s", r.listen, proxy.DefaultListen)
	}
	if err := r.api.check(); err != nil {
		return config, err
	}
	config.TrustedProxies = r.api.trusted
	if config.Nodes, err = r.nodeAddresses(); err != nil {
		return config, err
	}
	config.Logger, err = c.logger(&r.logFlags)
	return config, err
}

// nodeAddresses are the nodes with their tokens.
func (r *proxyFlags) nodeAddresses() (list []proxy.NodeAddress, err error) {
	tokens := map[string]string{}
	if r.tokens != "" {
		if tokens, err = proxy.ReadNodeTokens(r.tokens); err != nil {
			return nil, err
		}
	}
	for _, s := range r.nodes {
		address, err := proxy.ParseNode(s)
		if err != nil {
			return nil, usage("--node %v", err)
		}
		list = append(list, proxy.NodeAddress{Address: address, Token: tokens[address]})
		delete(tokens, address)
	}
	for address := range tokens {
		return nil, fmt.Errorf("--node-token-file %s has a token of %s, which no --node names", r.tokens, address)
	}
	return list, nil
}

// proxyGreeting is what a proxy says about itself when it is up.
type proxyGreeting struct {
	Version   string      `json:"version"`
	Network   string      `json:"network"`
	NetworkID protocol.ID `json:"networkId"`
	Nodes     []string    `json:"nodes"`
	API       string      `json:"api"`
	Socket    string      `json:"socket,omitempty"`
	Home      string      `json:"home"`
}

func (c *cli) greetProxy(p *proxy.Proxy, config proxy.Config) error {
	g := proxyGreeting{
		Version: version, Network: config.Network.Params().Name, NetworkID: config.Network.ID(), API: p.APIURL(), Home: config.Home.Dir(),
	}
	for _, n := range config.Nodes {
		g.Nodes = append(g.Nodes, n.Address)
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
	fields := []field{{"lf", g.Version}, {"network", fmt.Sprintf("%s (%s)", g.Network, g.NetworkID)}}
	for i, n := range g.Nodes {
		fields = append(fields, field{[]string{"nodes", ""}[min(i, 1)], n})
	}
	fields = append(fields, field{"API", g.API}, field{"socket", g.Socket}, field{"home", g.Home})
	if err := c.printFields(fields); err != nil {
		return err
	}
	return c.print("\nReady. Other commands find this proxy with --home " + g.Home + " or LF_API=" + g.API + "; Ctrl-C stops it.\n")
}
