package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/home"
)

// maxKeyFile bounds the file of a key to import, in bytes.
const maxKeyFile = 16 << 10

func (c *cli) ownerExportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write an owner's secret key as PEM (PKCS#8), to a file or standard output",
		Long: `Write an owner's secret key (default: the default owner's) as PEM (PKCS#8). The new file is readable by you alone; an existing
file is not replaced. Everybody with the key can write as this owner.`,
		Example: `  lf owner export work -o work.pem
  lf owner export work | gpg -c > work.pem.gpg`,
		Args:              between(0, 1, "at most one NAME"),
		ValidArgsFunction: c.completeOwners,
		RunE: func(_ *cobra.Command, args []string) error {
			return c.withOwners(func(ring *home.Keyring) error {
				text, err := exportKey(ring, args)
				if err != nil {
					return err
				}
				return c.writeOut(out, text, 0o600)
			})
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this new file (default: standard output)")
	return cmd
}

func exportKey(ring *home.Keyring, args []string) ([]byte, error) {
	k, err := chosenOwner(ring, args)
	if err != nil {
		return nil, err
	}
	return ring.Export(k.Name)
}

func (c *cli) ownerImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import NAME FILE|-",
		Short: "Take in an owner's secret key from PEM (PKCS#8, Ed25519)",
		Example: `  lf owner import work work.pem
  openssl genpkey -algorithm ed25519 | lf owner import ssl -`,
		Args: between(2, 2, "a NAME and a FILE (- for standard input)"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.withNewOwner(args[0], func(ring *home.Keyring) error {
				text, err := c.keyText(args[1])
				if err != nil {
					return err
				}
				k, err := ring.Import(args[0], text)
				if err != nil {
					return err
				}
				return c.printOwner(k)
			})
		},
	}
}

func (c *cli) keyText(name string) (text []byte, err error) {
	from := c.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		from = f
	}
	if text, err = readAtMost(from, maxKeyFile); err != nil {
		return nil, fmt.Errorf("import: %s: %w", name, err)
	}
	return text, nil
}
