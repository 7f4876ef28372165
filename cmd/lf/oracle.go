package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) oracleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "oracle",
		Short: "Elect the oracles: nodes whose objections count when several owners claim the same names",
		Long: `Elect the oracles. An oracle is a node run with lf node --oracle. It publishes its objections to claims that came after
another owner's. Your choice counts for you alone: your node prefers the claim that fewer of your elected oracles object
to (policy criterion "oracles"). An oracle that errs or lies has one voice. The choice is kept in the home (trust.json);
a running node follows it within a second.`,
		Example: `  lf --home other status                          # another node of yours: elect its "peer ID"
  lf oracle add 12D3KooWC5y8...
  lf oracle list`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.AddCommand(c.oracleAddCommand(), c.oracleListCommand(), c.oracleRemoveCommand())
	return cmd
}

func (c *cli) oracleAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "add PEERID...",
		Short:   "Elect oracles",
		Example: "  lf oracle add 12D3KooWC5y8...",
		Args:    between(1, -1, "at least one PEERID"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.elect(args, func(t *home.Trust, oracle protocol.Owner) {
				if slices.Contains(t.Oracles, oracle) {
					c.note("%s is elected already", oracle)
					return
				}
				t.Oracles = append(t.Oracles, oracle)
			})
		},
	}
}

func (c *cli) oracleRemoveCommand() *cobra.Command {
	missing := false
	cmd := &cobra.Command{
		Use:               "rm PEERID...",
		Short:             "Elect oracles no more",
		Example:           "  lf oracle rm 12D3KooWC5y8...",
		Args:              between(1, -1, "at least one PEERID"),
		ValidArgsFunction: c.completeOracles,
		RunE: func(_ *cobra.Command, args []string) error {
			err := c.elect(args, func(t *home.Trust, oracle protocol.Owner) {
				i := slices.Index(t.Oracles, oracle)
				if i < 0 {
					missing = true
					c.note("%s is not elected", oracle)
					return
				}
				t.Oracles = slices.Delete(t.Oracles, i, i+1)
			})
			if err == nil && missing {
				return notFound("not all of these were elected (see lf oracle list)")
			}
			return err
		},
	}
	return cmd
}

// elect changes the home's choice for each oracle named, all at once or not at all.
func (c *cli) elect(args []string, change func(*home.Trust, protocol.Owner)) error {
	oracles := make([]protocol.Owner, len(args))
	for i, arg := range args {
		oracle, err := parseOracle(arg)
		if err != nil {
			return usage("%q %v", arg, err)
		}
		oracles[i] = oracle
	}
	h, err := c.existingHome()
	if err != nil {
		return err
	}
	_, err = h.ChangeTrust(func(t *home.Trust) error {
		for _, oracle := range oracles {
			change(t, oracle)
		}
		return nil
	})
	return err
}

func (c *cli) oracleListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the elected oracles, and the policy of the running node",
		Long: `List the oracles elected in the home and the policy chosen there. If a node answers, list also the policy by which it
ranks, which may come from its command line (lf node --policy). With --api you can ask another node.`,
		Example: `  lf oracle list
  lf oracle list --json`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.oracles(cmd.Context()) },
	}
}

// oracleList is what oracle list shows.
type oracleList struct {
	Oracles []protocol.Owner `json:"oracles"`
	Policy  protocol.Policy  `json:"policy,omitempty"`
	// Node is whom the node trusts, nil if none runs.
	Node *api.Trust `json:"node,omitempty"`
}

func (c *cli) oracles(ctx context.Context) error {
	h, err := c.homeBeside()
	if err != nil {
		return err
	}
	var t home.Trust
	if h != nil {
		if t, err = h.Trust(); err != nil {
			return err
		}
	}
	list := oracleList{Oracles: append([]protocol.Owner{}, t.Oracles...), Policy: t.Policy}
	if list.Node, err = c.nodeTrust(ctx); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(list)
	}
	return c.printElected(list)
}

// nodeTrust asks the node whom it trusts; nil where none runs, unless one was named.
func (c *cli) nodeTrust(ctx context.Context) (*api.Trust, error) {
	client, err := c.connect(ctx, reading)
	if err == nil {
		defer client.Close()
		var status *api.Status
		if status, err = client.Node().Status(ctx); err == nil {
			return &status.Trust, nil
		}
	}
	var away *api.UnreachableError
	if c.givenAPI() == "" && (isMissing(err) || errors.As(err, &away)) {
		return nil, nil
	}
	return nil, err
}

func (c *cli) printElected(list oracleList) error {
	if len(list.Oracles) == 0 {
		c.note("no oracles are elected: lf oracle add elects them")
	}
	for _, oracle := range list.Oracles {
		if err := c.printf("%s\n", oracle); err != nil {
			return err
		}
	}
	if list.Policy != nil {
		c.note("policy of the home: %s", list.Policy)
	}
	if list.Node == nil {
		return nil
	}
	switch n := len(list.Node.Oracles); {
	case sameOwners(list.Node.Oracles, list.Oracles):
	case c.givenAPI() == "": // the home's own node reads the same file, a moment later
		c.note("the node still counts %s: it follows within a second", text.Count(n, "oracle", "oracles"))
	default:
		c.note("the node counts %s, not those elected here: see lf oracle list --json", text.Count(n, "oracle", "oracles"))
	}
	if len(list.Node.Oracles) > 0 && !slices.Contains(list.Node.Policy, protocol.CriterionOracles) {
		c.note("the node ranks by %s: oracles do not count", list.Node.Policy)
		return nil
	}
	c.note("the node ranks by %s", list.Node.Policy)
	for _, warning := range list.Node.Warnings {
		c.note("warning: %s", warning)
	}
	return nil
}

// sameOwners reports whether two lists have the same owners, in any order.
func sameOwners(a, b []protocol.Owner) bool {
	within := func(some, all []protocol.Owner) bool {
		return !slices.ContainsFunc(some, func(o protocol.Owner) bool { return !slices.Contains(all, o) })
	}
	return within(a, b) && within(b, a)
}
