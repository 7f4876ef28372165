package main

import (
	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) ownerRequestCommand() *cobra.Command {
	var subject, out string
	cmd := &cobra.Command{
		Use:   "csr [NAME]",
		Short: "Make a request for a certificate (CSR)",
		Long: `Make a request for a certificate (PKCS#10, in PEM) for an owner (default: the default owner), signed with the owner's key. The
holder of a CA makes a certificate of it: lf owner authorize. A request is no secret.`,
		Example: `  lf owner csr work -o work.csr
  lf owner csr --subject 'Alice, keys of the team'
  lf owner csr work | openssl req -noout -text`,
		Args:              between(0, 1, "at most one NAME"),
		ValidArgsFunction: c.completeOwners,
		RunE: func(_ *cobra.Command, args []string) error {
			return c.withOwners(func(ring *home.Keyring) error {
				k, err := chosenOwner(ring, args)
				if err != nil {
					return err
				}
				if subject == "" {
					subject = k.Name
				}
				text, err := protocol.NewRequest(k.Secret, subject)
				if err != nil {
					return err
				}
				return c.writeOut(out, text, 0o644)
			})
		},
	}
	cmd.Flags().StringVar(&subject, "subject", "", "the name in the certificate, for people (default: the owner's name here)")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this new file (default: standard output)")
	return cmd
}
