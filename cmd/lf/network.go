package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// maxNetworkFile bounds a network file, in bytes: 16 genesis records in base64 and a few seeds.
const maxNetworkFile = 1 << 20

func (c *cli) networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Make a network of one's own, or show one",
		Long: `A network is one data set with rules of its own, fixed for ever by its genesis. Its file (.lfnet) is all that others
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
	return &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show a network: of a file, else of the home, else the default one",
		Long:  "Show a network: of a file, else of the home, else the default one. With --json, as a network file.",
		Example: `  lf network show team.lfnet
  lf network show --json > default.lfnet`,
		Args: between(0, 1, "at most one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := c.chosenNetwork(args)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(f)
			}
			return c.printFields(networkFields(f))
		},
	}
}

func (c *cli) chosenNetwork(args []string) (protocol.NetworkFile, error) {
	if len(args) == 1 {
		return readNetworkFile(args[0])
	}
	h, err := c.openHome()
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

func networkFields(f protocol.NetworkFile) []field {
	p := f.Params
	fields := []field{
		{"name", p.Name}, {"ID", f.ID.String()}, {"contact", p.Contact}, {"comment", p.Comment},
		{"minimum links", fmt.Sprint(p.MinLinks)},
		{"largest value", fmt.Sprintf("%d bytes, sealed", p.MaxValue)},
		{"work per KiB", workText(p.WorkPerKiB)},
		{"hiding a name", fmt.Sprintf("Argon2id, %d KiB, %d passes", p.NameHardening.MemoryKiB, p.NameHardening.Passes)},
		{"clock drift", (time.Duration(p.ClockDrift) * time.Millisecond).String()}, //nolint:gosec // at most 24 h
	}
	for i, seed := range f.Seeds {
		fields = append(fields, field{[]string{"seeds", ""}[min(i, 1)], seed})
	}
	return fields
}

func workText(perKiB uint32) string {
	if perKiB == 0 {
		return "none: anybody can fill this network"
	}
	return fmt.Sprint(perKiB)
}
