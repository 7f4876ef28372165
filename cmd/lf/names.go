package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/home"
)

func (c *cli) namesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "names",
		Short: "The home's list of the names that were written from it",
		Long:  "Say where the home's list of names is, and whether names are noted in it.\n\n" + namesHelp + " lf ls shows the list.",
		Example: `  lf names
  lf names forget bad horse#2
  lf names off`,
		Args: between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return c.withNames(c.showNames) },
	}
	cmd.AddCommand(c.namesForgetCommand(), c.namesSwitchCommand("off", false), c.namesSwitchCommand("on", true))
	return cmd
}

func (c *cli) withNames(do func(*home.Names) error) error {
	h, err := c.existingHome()
	if err != nil {
		return err
	}
	return do(h.Names())
}

func (c *cli) showNames(names *home.Names) error {
	off, err := names.Off()
	if err != nil {
		return err
	}
	list, err := names.List()
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(struct {
			File  string `json:"file"`
			On    bool   `json:"on"`
			Names int    `json:"names"`
		}{names.Path(), !off, len(list)})
	}
	return c.printFields([]field{
		{"file", names.Path()},
		{"noting", map[bool]string{false: "on", true: "off"}[off]},
		{"noted", text.Count(len(list), "name", "names")},
	})
}

func (c *cli) namesForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget NAME[#ORD]...",
		Short: "Take one key out of the list",
		Long:  "Take one key out of the list, for all owners. Its value stays as it is.",
		Example: `  lf names forget horse
  lf names forget bad horse#2`,
		Args: between(1, -1, "at least one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := lf.ParsePoint(args...)
			if err != nil {
				return err
			}
			return c.withNames(func(names *home.Names) error {
				forgotten, err := names.Forget(func(w home.WrittenName) bool { return slices.Equal(w.Key, key.Expressions()) })
				if err == nil && forgotten == 0 {
					return notFound("%s is not in the list", key)
				}
				return err
			})
		},
	}
}

func (c *cli) namesSwitchCommand(word string, on bool) *cobra.Command {
	short := "Delete the list, and note no names any more"
	if on {
		short = "Note the names that are written from now on"
	}
	return &cobra.Command{
		Use:     word,
		Short:   short,
		Example: fmt.Sprintf("  lf names %s", word),
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return c.withNames(func(names *home.Names) error { return names.Switch(on) })
		},
	}
}
