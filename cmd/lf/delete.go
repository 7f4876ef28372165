package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
)

func (c *cli) deleteCommand() *cobra.Command {
	return c.takeBackCommand((*lf.Client).Delete, &cobra.Command{
		Use:        "delete NAME[#ORD]...",
		SuggestFor: []string{"rm", "remove", "unset"},
		Short:      "Delete a value and keep the claim: the answer is \"deleted\"",
		Long: `Delete what the owner set under exactly these names. The owner keeps the claim: the answer becomes "deleted", not what
somebody else has set there. lf release gives the claim up. Old records remain with every node and can be asked for.
Where the owner has deleted the value already, nothing is written: lf says so, and prints the CID of that record.

` + selectorHelp,
		Example: `  lf delete bad horse#2
  lf delete horse --owner work`,
	})
}

func (c *cli) releaseCommand() *cobra.Command {
	return c.takeBackCommand((*lf.Client).Release, &cobra.Command{
		Use:   "release NAME[#ORD]...",
		Short: "Give a claim up, as if the value had never been set",
		Long: `Give up the owner's claim to exactly these names: what the owner has set there until now does not count any more. The
answer becomes what another owner has set, or nothing. lf delete keeps the claim.

` + selectorHelp,
		Example: `  lf release bad horse#2`,
	})
}

func (c *cli) takeBackCommand(takeBack func(*lf.Client, context.Context, lf.Key, ...lf.WriteOption) error, cmd *cobra.Command) *cobra.Command {
	var a authoring
	cmd.Args = between(1, -1, "at least one NAME")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key, err := lf.ParsePoint(args...)
		if err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return err
		}
		return c.publish(cmd.Context(), &a, "", func(ctx context.Context, client *lf.Client, options lf.BulkOption) error {
			return takeBack(client, ctx, key, options)
		})
	}
	c.addAuthoring(cmd, &a)
	return cmd
}
