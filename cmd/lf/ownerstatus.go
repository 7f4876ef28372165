package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) ownerStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [OWNER]",
		Short: "Show which certificates an owner has on the network",
		Long: `Show which certificates of the network's CAs an owner has (default: the default owner): until when they are valid, whether they were
revoked, and which CA they come from. OWNER is a peer ID, or a name of lf owner list. The certificates are checked here. A node could
hide one, or a revocation.

The exit code is 3 when the owner has none that is valid now.`,
		Example: `  lf owner status
  lf owner status 12D3KooWC5y8... --json`,
		Args:              between(0, 1, "at most one OWNER"),
		ValidArgsFunction: c.completeOwners,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.ownerStatus(cmd.Context(), args) },
	}
}

func (c *cli) ownerStatus(ctx context.Context, args []string) error {
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	owner, err := ownerNamed(client, args)
	if err != nil {
		return err
	}
	list, err := client.Certificates(ctx, owner)
	if err != nil {
		return err
	}
	if err := c.printCertificates(owner, list); err != nil {
		return err
	}
	for _, certificate := range list {
		if certificate.Usable {
			return nil
		}
	}
	return notFound("owner %s has no certificate that is valid now on network %q", owner, client.Network().Params().Name)
}

// ownerNamed reads a peer ID or a name; none is the default owner.
func ownerNamed(client *lf.Client, args []string) (protocol.Owner, error) {
	if len(args) == 1 {
		return client.OwnerNamed(args[0])
	}
	ring, err := client.Keyring()
	if err != nil {
		return protocol.Owner{}, err
	}
	k, err := chosenOwner(ring, nil)
	return k.Owner, err
}

// chosenOwner is the one named, else the default; unlike for signing, none is made.
func chosenOwner(ring *home.Keyring, args []string) (home.Key, error) {
	if len(args) == 1 {
		return ring.Get(args[0])
	}
	names, err := ring.Names()
	if err != nil {
		return home.Key{}, err
	}
	if len(names) == 0 {
		return home.Key{}, notFound("no owners yet: lf set makes one on first use, lf owner new makes one now")
	}
	k, _, err := ring.Default()
	return k, err
}

func (c *cli) printCertificates(owner protocol.Owner, list []lf.Certificate) error {
	if c.json {
		info := api.OwnerInfo{Owner: owner, Certificates: make([]api.CertificateInfo, len(list))}
		for i := range list {
			info.Certificates[i] = list[i].CertificateInfo
		}
		return c.printJSON(info)
	}
	for i := range list {
		if i > 0 {
			if err := c.print("\n"); err != nil {
				return err
			}
		}
		if err := c.printFields(certificateFields(&list[i])); err != nil {
			return err
		}
	}
	return nil
}

func certificateFields(c *lf.Certificate) []field {
	fields := []field{
		{"certificate", c.Record.String()},
		{"owner", fmt.Sprintf("%s, named %q", c.Chain.Owner(), c.Chain.Subject())},
		{"CA", c.Authority},
	}
	for _, above := range c.Chain.Certificates()[1:] {
		fields = append(fields, field{"through", fmt.Sprintf("%s, %s", above.Subject(), validityText(above.NotBefore(), above.NotAfter()))})
	}
	return append(fields,
		field{"serial", c.Serial},
		field{"validity", validityText(c.NotBefore, c.NotAfter)},
		field{"state", certificateState(c)},
	)
}

func certificateState(c *lf.Certificate) string {
	switch now := clock(); {
	case c.Revoked != nil && c.Revoked.Since > 0:
		return fmt.Sprintf("revoked since %s (%s)", text.LocalTime(c.Revoked.Since), c.Revoked.Record)
	case c.Revoked != nil:
		return fmt.Sprintf("revoked from its beginning (%s)", c.Revoked.Record)
	case c.Usable:
		return "valid"
	case now < c.NotBefore:
		return "not valid yet"
	case now > c.NotAfter:
		return "expired"
	}
	return "not valid: a CA above it is not"
}
