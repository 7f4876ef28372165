package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/store"
	"github.com/lf-store/lf/sync/storedset"
)

func (c *cli) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the database of a stopped node",
		Long: `Check every invariant of the database in the home: that each record is valid, that parents stand before children, and
that the indexes and the files beside it say what the records say. The node must not be running.`,
		Example: `  lf check
  lf check --home /srv/lf --json`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			return c.check(cmd.Context(), h)
		},
	}
}

// check looks at a database that no node has open.
func (c *cli) check(ctx context.Context, h *home.Home) (err error) {
	network, _, err := h.Network()
	if err != nil {
		return err
	}
	unlock, err := h.Lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	problems := []string{}
	report := func(problem string) {
		problems = append(problems, problem)
		fmt.Fprintln(c.stderr, text.Line(problem))
	}
	summary, err := store.CheckFile(ctx, h.Database(), network, report)
	if err != nil {
		return err
	}
	if err := store.ReadStopped(h.Database(), network, func(s *store.Stopped) error {
		problem, err := storedset.CheckFile(ctx, s.SetPath(), s)
		if problem != "" {
			report(problem)
		}
		return err
	}); err != nil {
		return err
	}
	return c.printChecked(summary, problems)
}

func (c *cli) printChecked(s store.Summary, problems []string) error {
	if c.json {
		err := c.printJSON(struct {
			Records  uint64   `json:"records"`
			Problems []string `json:"problems"`
		}{s.Attached, problems})
		if err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: start the node, which repairs what its peers have, and check again; else restore the home from a backup", text.Count(len(problems), "problem", "problems"))
	}
	if c.json || c.quiet {
		return nil
	}
	return c.printf("%d records, no problems\n", s.Attached)
}
