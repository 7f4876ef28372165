package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Manage the limited tokens, with which programs use the node's API",
		Long: `Manage the limited tokens of the node in the home. A program shows its token over HTTP (Authorization: Bearer TOKEN), and may do what
the token allows, and nothing else. The home keeps only hashes of the tokens (tokens.json). What add and rm change, a running node
follows at once.

The token in the file api.token allows everything. Keep it for yourself.`,
		Example: `  lf token add site --read
  lf token add gateway --submit --work
  lf token list
  lf token rm site`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.AddCommand(c.tokenAddCommand(), c.tokenListCommand(), c.tokenRemoveCommand())
	return cmd
}

func (c *cli) tokenAddCommand() *cobra.Command {
	var t home.Token
	var owners []string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a limited token and print it, this once",
		Long: `Make a limited token and print it to standard output. It is shown this once: the home keeps only its hash. NAME tells tokens apart
for you. At least one of the flags says what the token allows.`,
		Example: `  lf token add site --read > site.token
  lf token add alice --read --set alice`,
		Args: between(1, 1, "one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			t.Name = args[0]
			if !t.Read && !t.Submit && !t.Work && len(owners) == 0 {
				return usage("a token must allow something: give --read, --submit, --work or --set OWNER")
			}
			return c.addToken(t, owners)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&t.Read, "read", false, "it allows reading")
	f.BoolVar(&t.Submit, "submit", false, "it allows handing in finished records, and reading")
	f.BoolVar(&t.Work, "work", false, "it allows having the node work for records")
	f.StringArrayVar(&owners, "set", nil, "it allows having the node write as this `OWNER` of the home (repeatable)")
	mustRegister(cmd, "set", c.completeOwners)
	return cmd
}

func (c *cli) addToken(t home.Token, owners []string) error {
	h, err := c.existingHome()
	if err != nil {
		return err
	}
	for _, name := range owners {
		owner, err := ownerInHome(h, name)
		if err != nil {
			return err
		}
		t.Set = append(t.Set, owner)
	}
	secret, err := h.AddToken(t)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a token %q already: give another name, or revoke it first (lf token rm)", t.Name)
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(struct {
			Name  string `json:"name"`
			Token string `json:"token"`
		}{t.Name, secret})
	}
	c.note("keep the token now, it is not shown again: %s", allowsText(&t))
	return c.printf("%s\n", secret)
}

// ownerInHome is an owner whose key the home has, by its name or its peer ID.
func ownerInHome(h *home.Home, name string) (protocol.Owner, error) {
	key, err := h.Owners().Get(name)
	if err == nil {
		return key.Owner, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return protocol.Owner{}, err
	}
	if owner, wrong := protocol.ParseOwner(name); wrong == nil {
		keys, damaged := h.Owners().List()
		for _, k := range keys {
			if k.Owner == owner {
				return owner, nil
			}
		}
		if damaged != nil {
			return owner, damaged
		}
	}
	return protocol.Owner{}, usage("--set %q is no owner of this home (lf owner list shows them)", text.Clip(name))
}

// allowsText says what a token allows.
func allowsText(t *home.Token) string {
	var parts []string
	for _, p := range []struct {
		is   bool
		text string
	}{{t.Read, "read"}, {t.Submit, "submit"}, {t.Work, "work"}} {
		if p.is {
			parts = append(parts, p.text)
		}
	}
	for _, owner := range t.Set {
		parts = append(parts, "set as "+shortOwner(owner))
	}
	return strings.Join(parts, ", ")
}

// jsonToken is a token in JSON output, without its hash.
type jsonToken struct {
	Name   string           `json:"name"`
	Made   string           `json:"made"`
	Read   bool             `json:"read,omitempty"`
	Submit bool             `json:"submit,omitempty"`
	Work   bool             `json:"work,omitempty"`
	Set    []protocol.Owner `json:"set,omitempty"`
}

func (c *cli) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the limited tokens, and what they allow",
		Example: "  lf token list",
		Args:    between(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			list, err := h.Tokens()
			if err != nil {
				return err
			}
			return c.printTokens(list)
		},
	}
}

func (c *cli) printTokens(list []home.Token) error {
	all := make([]jsonToken, len(list))
	rows := [][]string{{"NAME", "MADE", "ALLOWS"}}
	for i := range list {
		t := &list[i]
		all[i] = jsonToken{t.Name, text.TimeOf(t.Made).Format(time.RFC3339), t.Read, t.Submit, t.Work, t.Set}
		rows = append(rows, []string{t.Name, text.LocalTime(t.Made), allowsText(t)})
	}
	switch {
	case c.json:
		return c.printJSON(all)
	case len(list) == 0:
		c.note("no limited tokens: lf token add makes one")
		return nil
	}
	return c.print(table(rows))
}

func (c *cli) tokenRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME...",
		Short:   "Revoke limited tokens, at once",
		Example: "  lf token rm site",
		Args:    between(1, -1, "at least one NAME"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return c.tokenNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
				err := h.RemoveToken(name)
				if errors.Is(err, fs.ErrNotExist) {
					err = notFound("there is no limited token %q (lf token list shows them)", text.Clip(name))
				}
				if err != nil {
					errs = append(errs, err)
				}
			}
			return c.firstOf(errs)
		},
	}
}

// tokenNames are the names that a shell completes.
func (c *cli) tokenNames() (names []string) {
	h, err := c.openHome()
	if err != nil {
		return nil
	}
	list, err := h.Tokens()
	if err != nil {
		return nil
	}
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}
