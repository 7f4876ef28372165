package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) ownerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "owner",
		Short: "Manage the owners: the keys that records are signed with",
		Long: `Manage the owners: the Ed25519 keys that records are signed with. They stay in the home (owners/NAME.pem, readable by
you alone). An owner is known to others by its peer ID (12D3KooW...), here also by a name.

Everybody with an owner's key can change and delete what the owner has set: keep copies safe, and do not lose the last one.

A CA certifies owners: the owner makes a request (csr), and the CA's holder a certificate (authorize), which travels as a record
like all others. The network says what certified owners may do (lf network show), and readers may prefer them (lf get --policy).`,
		Example: `  lf owner new work
  lf owner export work -o work.pem
  lf owner csr work -o work.csr
  lf owner authorize team.ca.pem work.csr --days 365
  lf owner status work`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.AddCommand(c.ownerNewCommand(), c.ownerListCommand(), c.ownerRecordsCommand(), c.ownerDefaultCommand(), c.ownerExportCommand(), c.ownerImportCommand(),
		c.ownerRequestCommand(), c.ownerAuthorizeCommand(), c.ownerRevokeCommand(), c.ownerStatusCommand())
	return cmd
}

// jsonOwner is an owner in JSON output.
type jsonOwner struct {
	Name    string         `json:"name"`
	Owner   protocol.Owner `json:"owner"`
	Default bool           `json:"default,omitempty"`
}

func (c *cli) printOwner(k home.Key) error {
	if c.json {
		return c.printJSON(jsonOwner{k.Name, k.Owner, k.Default})
	}
	return c.printf("%s\n", k.Owner)
}

func (c *cli) ownerNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new NAME",
		Short: "Make a new owner and print its peer ID",
		Long:  "Make a new owner and print its peer ID. The first one in a home becomes the default.",
		Example: `  lf owner new work
  lf set horse 'Bad Horse' --owner work`,
		Args: between(1, 1, "one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.withNewOwner(args[0], func(ring *home.Keyring) error {
				k, err := ring.New(args[0])
				if err != nil {
					return err
				}
				return c.printOwner(k)
			})
		},
	}
}

// withNewOwner checks a new owner's name before it opens the keyring.
func (c *cli) withNewOwner(name string, do func(*home.Keyring) error) error {
	if err := home.CheckOwnerName(name); err != nil {
		return usage("%v", err)
	}
	h, err := c.openHome()
	if err != nil {
		return err
	}
	return do(h.Owners())
}

func (c *cli) withOwners(do func(*home.Keyring) error) error {
	h, err := c.existingHome()
	if err != nil {
		return err
	}
	return do(h.Owners())
}

func (c *cli) ownerListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the owners in the home",
		Example: "  lf owner list",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return c.withOwners(func(ring *home.Keyring) error {
				keys, damaged := ring.List()
				if len(keys) == 0 && damaged != nil {
					return damaged
				}
				return errors.Join(c.printOwners(keys), damaged)
			})
		},
	}
}

func (c *cli) printOwners(keys []home.Key) error {
	list := make([]jsonOwner, len(keys))
	rows := [][]string{{"NAME", "DEFAULT", "OWNER"}}
	for i, k := range keys {
		list[i] = jsonOwner{k.Name, k.Owner, k.Default}
		rows = append(rows, []string{k.Name, map[bool]string{true: "yes"}[k.Default], k.Owner.String()})
	}
	switch {
	case c.json:
		return c.printJSON(list)
	case len(keys) == 0:
		c.note("no owners yet: lf set makes one on first use, lf owner new makes one now")
		return nil
	}
	return c.print(table(rows))
}

func (c *cli) ownerDefaultCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "default [NAME]",
		Short: "Show or choose the owner that signs when none is named",
		Example: `  lf owner default
  lf owner default work`,
		Args:              between(0, 1, "at most one NAME"),
		ValidArgsFunction: c.completeOwners,
		RunE: func(_ *cobra.Command, args []string) error {
			return c.withOwners(func(ring *home.Keyring) error {
				if len(args) == 1 {
					if err := ring.SetDefault(args[0]); err != nil {
						return err
					}
				}
				return c.showDefaultOwner(ring)
			})
		},
	}
}

// showDefaultOwner does not make one, as signing would.
func (c *cli) showDefaultOwner(ring *home.Keyring) error {
	k, err := chosenOwner(ring, nil)
	if err != nil {
		return err
	}
	return c.printOwner(k)
}
