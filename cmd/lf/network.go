package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// maxNetworkFile bounds a network file, in bytes: 16 genesis records in base64 and a few seeds.
const maxNetworkFile = 1 << 20

func (c *cli) networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Make a network of one's own, or show one",
		Long: `A network is one data set with rules of its own, fixed forever by its genesis. Its file (.lfnet) is all that others
need to join: the genesis and where to find peers. A node without one is on the default network.`,
		Example: `  lf network new -o team.lfnet --name team
  lf node --network team.lfnet --home team`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.AddCommand(c.networkNewCommand(), c.networkShowCommand())
	return cmd
}

func (c *cli) networkShowCommand() *cobra.Command {
	certificates := false
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show a network: of a file, else of the home, else the default one",
		Long: `Show a network: of a file, else of the home, else the default one. Each CA is shown with its fingerprint, which its holder can
read out to you. --json writes a network file, for others to join; that of a private network has its secret. --certificates writes
the CAs' certificates in PEM, as lf get --ca and lf network new --authority take them.`,
		Example: `  lf network show team.lfnet
  lf network show --json > default.lfnet
  lf network show team.lfnet --certificates > team-ca.crt`,
		Args: between(0, 1, "at most one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := c.chosenNetwork(args)
			if err != nil {
				return err
			}
			switch {
			case certificates && len(f.Params.Authorities) == 0:
				return notFound("network %q has no CAs", f.Params.Name)
			case certificates:
				return c.print(string(protocol.MarshalCertificatesPEM(f.Params.Authorities...)))
			case c.json:
				return c.printJSON(f)
			}
			fields, err := networkFields(f)
			if err != nil {
				return err
			}
			return c.printFields(fields)
		},
	}
	cmd.Flags().BoolVar(&certificates, "certificates", false, "write the certificates of the network's CAs, in PEM")
	return cmd
}

func (c *cli) chosenNetwork(args []string) (protocol.NetworkFile, error) {
	if len(args) == 1 {
		return readNetworkFile(args[0])
	}
	h, err := c.existingHome()
	if err != nil {
		return protocol.NetworkFile{}, err
	}
	_, f, err := h.Network()
	if errors.Is(err, fs.ErrNotExist) {
		_, f, err = lf.DefaultNetwork()
	}
	return f, err
}

func readNetworkFile(name string) (f protocol.NetworkFile, err error) {
	file, err := os.Open(name)
	if err != nil {
		return f, fmt.Errorf("network: %w", err)
	}
	defer file.Close()
	data, err := readAtMost(file, maxNetworkFile)
	if err == nil {
		_, f, err = protocol.ParseNetworkFile(data)
	}
	if err != nil {
		return f, fmt.Errorf("network %s: %w", name, err)
	}
	return f, nil
}

func networkFields(f protocol.NetworkFile) ([]field, error) {
	p := f.Params
	authorities, err := authorityFields(&p)
	if err != nil {
		return nil, err
	}
	fields := []field{
		{"name", p.Name}, {"ID", f.ID.String()}, {"contact", p.Contact}, {"comment", p.Comment},
		{"minimum links", fmt.Sprint(p.MinLinks)},
		{"largest value", fmt.Sprintf("%d bytes, sealed", p.MaxValue)},
		{"work per KiB", workText(p.WorkPerKiB)},
		{"hiding a name", fmt.Sprintf("Argon2id, %d KiB, %s", p.NameHardening.MemoryKiB, text.Count(p.NameHardening.Passes, "pass", "passes"))},
		{"clock drift", (time.Duration(p.ClockDrift) * time.Millisecond).String()}, // at most 24 h
	}
	fields = append(fields, authorities...)
	if f.Secret != nil {
		fields = append(fields, field{"private", "yes: only nodes with the secret can connect (--json shows it)"})
	}
	for i, seed := range f.Seeds {
		fields = append(fields, field{[]string{"seeds", ""}[min(i, 1)], seed})
	}
	return fields, nil
}

// authorityFields lists a network's CAs, and what their certificates allow there.
func authorityFields(p *protocol.Params) ([]field, error) {
	if len(p.Authorities) == 0 {
		return nil, nil
	}
	writers := "everybody; certified owners cheaper"
	if p.AuthRequired {
		writers = "certified owners only"
	}
	fields := []field{{"work, certified", workText(min(p.WorkPerKiB, p.WorkPerKiBCertified))}, {"writers", writers}}
	for i, der := range p.Authorities {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{[]string{"CAs", ""}[min(i, 1)], authorityText(authorityInfo(a))})
	}
	return fields, nil
}

func workText(perKiB uint32) string {
	if perKiB == 0 {
		return "none: anybody can fill this network"
	}
	return fmt.Sprint(perKiB)
}
