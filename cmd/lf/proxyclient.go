package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) proxyClientCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Manage the clients of a proxy",
		Long: `Manage the clients of the proxy in the home. A client shows its token over HTTP (Authorization: Bearer TOKEN; lf: LF_TOKEN). The home
keeps only hashes of the tokens (clients.json). What add and rm change, a running proxy follows at once.

Several proxies of one service share their clients: copy clients.json, and the folder owners if the proxy keeps keys.`,
		Example: `  lf --home p proxy client add phone --effort-per-hour 200000
  lf --home p proxy client add page --read-only
  lf --home p proxy client list
  lf --home p proxy client rm phone`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.AddCommand(c.proxyClientAddCommand(), c.proxyClientListCommand(), c.proxyClientRemoveCommand())
	return cmd
}

func (c *cli) proxyClientAddCommand() *cobra.Command {
	var p home.ProxyClient
	owner := ""
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a client and print its token, this once",
		Long: `Add a client and print its token to standard output. It is shown this once: the home keeps only its hash. NAME tells clients apart
for you.

A client may read, and have the proxy work for records that it signs itself. --effort-per-hour bounds that work: it is the sum of the
efforts of its records in any hour (lf network show says what a record takes). With --owner the proxy also signs for the client, with
a key that it keeps in its home. It makes the key if there is none of that name.`,
		Example: `  lf --home p proxy client add phone --effort-per-hour 200000
  lf --home p proxy client add sensor --effort-per-hour 50000 --owner sensor > sensor.token
  lf --home p proxy client add page --read-only`,
		Args: between(1, 1, "one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			switch {
			case p.ReadOnly && (owner != "" || cmd.Flags().Changed("effort-per-hour")):
				return usage("a client that may only read needs neither --owner nor --effort-per-hour")
			case cmd.Flags().Changed("effort-per-hour") && p.EffortPerHour == 0:
				return usage("--effort-per-hour must be at least 1: leave it out for no limit, or give --read-only")
			}
			return c.addProxyClient(p, owner)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&p.EffortPerHour, "effort-per-hour", 0, "work for records of this effort in any hour, at most (default: no limit)")
	f.BoolVar(&p.ReadOnly, "read-only", false, "it may only read")
	f.StringVar(&owner, "owner", "", "sign for it as this `OWNER` of the home, whose key is made if it is not there")
	mustRegister(cmd, "owner", c.completeOwners)
	return cmd
}

func (c *cli) addProxyClient(p home.ProxyClient, owner string) error {
	h, err := c.openHome()
	if err != nil {
		return err
	}
	if err := checkFreeName(h, p.Name); err != nil {
		return err // and no owner is made
	}
	if owner != "" {
		kept, err := c.keptOwner(h, owner)
		if err != nil {
			return err
		}
		p.Owner = &kept
	}
	token, err := h.AddProxyClient(p)
	if errors.Is(err, fs.ErrExist) {
		return clientExists(p.Name)
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(struct {
			Name  string `json:"name"`
			Token string `json:"token"`
		}{p.Name, token})
	}
	c.note("keep the token now, it is not shown again: %s", clientText(&p))
	return c.printf("%s\n", token)
}

func clientExists(name string) error {
	return fmt.Errorf("there is a client %q already: give another name, or remove it first (lf proxy client rm)", name)
}

func checkFreeName(h *home.Home, name string) error {
	list, err := h.ProxyClients()
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Name == name {
			return clientExists(name)
		}
	}
	return nil
}

// keptOwner returns an owner of the home, and makes one that is not there.
func (c *cli) keptOwner(h *home.Home, name string) (protocol.Owner, error) {
	key, err := h.Owners().Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = h.Owners().New(name); err == nil {
			c.note("made owner %q (%s) in %s: keep a copy of it with lf owner export", key.Name, key.Owner, h.Dir())
		}
	}
	return key.Owner, err
}

// clientText says what a client may do.
func clientText(p *home.ProxyClient) string {
	switch {
	case p.ReadOnly:
		return "read"
	case p.Owner != nil:
		return "read, write with a key of its own, and as " + shortOwner(*p.Owner)
	}
	return "read, write with a key of its own"
}

func (c *cli) proxyClientListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the clients, what they may do, and what they use of their budgets",
		Long: `List the clients of the proxy in the home. While that runs, the list says how much effort each client has spent in the past hour,
and how many of its requests wait for work.`,
		Example: "  lf --home p proxy client list",
		Args:    between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			list, err := h.ProxyClients()
			if err != nil {
				return err
			}
			return c.printProxyClients(list, c.clientUses(cmd.Context(), h))
		},
	}
}

// clientUses asks the proxy in the home what its clients use; nil where none runs.
func (c *cli) clientUses(ctx context.Context, h *home.Home) map[string]api.ClientUse {
	var node *api.Client
	if path, err := h.Socket(); err == nil {
		node = api.NewClient(api.SocketURL(path), "")
	} else if url, err := h.API(); err == nil {
		token, err := c.namedToken()
		if err != nil || token == "" {
			return nil
		}
		node = api.NewClient(url, token)
	} else {
		return nil
	}
	defer node.Close()
	node.SetReadTimeout(c.timeout)
	list, err := node.Clients(ctx)
	if err != nil {
		c.note("what the clients use is not known: %v", err)
		return nil
	}
	uses := map[string]api.ClientUse{}
	for _, use := range list.Clients {
		uses[use.Name] = use
	}
	return uses
}

// jsonProxyClient is a client in JSON output, without its hash.
type jsonProxyClient struct {
	Name          string          `json:"name"`
	Made          string          `json:"made"`
	ReadOnly      bool            `json:"readOnly,omitempty"`
	Owner         *protocol.Owner `json:"owner,omitempty"`
	EffortPerHour uint64          `json:"effortPerHour,omitempty"`
	Spent         *uint64         `json:"spent,omitempty"`
	Waiting       *int            `json:"waiting,omitempty"`
}

func (c *cli) printProxyClients(list []home.ProxyClient, uses map[string]api.ClientUse) error {
	all := make([]jsonProxyClient, len(list))
	rows := [][]string{{"NAME", "MADE", "MAY", "EFFORT/HOUR", "SPENT", "WAITING"}}
	for i := range list {
		p := &list[i]
		all[i] = jsonProxyClient{Name: p.Name, Made: text.TimeOf(p.Made).Format(time.RFC3339), ReadOnly: p.ReadOnly, Owner: p.Owner, EffortPerHour: p.EffortPerHour}
		budget, spent, waiting := "any", "", ""
		if p.EffortPerHour > 0 {
			budget = strconv.FormatUint(p.EffortPerHour, 10)
		}
		if p.ReadOnly {
			budget = ""
		}
		if use, ok := uses[p.Name]; ok {
			all[i].Spent, all[i].Waiting = &use.Spent, &use.Waiting
			spent, waiting = strconv.FormatUint(use.Spent, 10), strconv.Itoa(use.Waiting)
		}
		rows = append(rows, []string{p.Name, text.LocalTime(p.Made), clientText(p), budget, spent, waiting})
	}
	switch {
	case c.json:
		return c.printJSON(all)
	case len(list) == 0:
		c.note("no clients: lf proxy client add makes one")
		return nil
	}
	return c.print(table(rows))
}

func (c *cli) proxyClientRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME...",
		Short:   "Remove clients: their tokens are refused at once",
		Long:    "Remove clients. A running proxy refuses their tokens at once. The key of an owner that it kept for a client stays in the home.",
		Example: "  lf --home p proxy client rm phone",
		Args:    between(1, -1, "at least one NAME"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return c.proxyClientNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
				err := h.RemoveProxyClient(name)
				if errors.Is(err, fs.ErrNotExist) {
					err = notFound("the proxy has no client %q (lf proxy client list shows them)", text.Clip(name))
				}
				if err != nil {
					errs = append(errs, err)
				}
			}
			return c.firstOf(errs)
		},
	}
}

// proxyClientNames are the names that a shell completes.
func (c *cli) proxyClientNames() (names []string) {
	h, err := c.openHome()
	if err != nil {
		return nil
	}
	list, err := h.ProxyClients()
	if err != nil {
		return nil
	}
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}
