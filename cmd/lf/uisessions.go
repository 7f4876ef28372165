package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) uiListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the sessions of browsers that may write",
		Example: "  lf ui list",
		Args:    between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := c.connectPage(cmd.Context())
			if err != nil {
				return err
			}
			defer n.Close()
			list, err := n.Sessions.Sessions(cmd.Context())
			if err != nil {
				return pageError(err)
			}
			return c.printSessions(list.Sessions)
		},
	}
}

func (c *cli) printSessions(list []api.Session) error {
	rows := [][]string{{"SESSION", "MADE", "UNTIL"}}
	for i := range list {
		rows = append(rows, []string{text.Printable(list[i].ID), text.LocalTime(list[i].Made), text.LocalTime(list[i].Until)})
	}
	switch {
	case c.json:
		return c.printJSON(list)
	case len(list) == 0:
		c.note("no sessions: lf ui starts one")
		return nil
	}
	return c.print(table(rows))
}

func (c *cli) uiRemoveCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "rm SESSION...",
		Short:   "End sessions of browsers, at once",
		Example: "  lf ui rm 5f0c1d2e3a4b5c6d\n  lf ui rm --all",
		Args:    between(0, -1, "SESSIONs, or --all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage("name the sessions to end (lf ui list shows them), or give --all")
			}
			return c.endSessions(cmd.Context(), args, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "end all of them")
	return cmd
}

func (c *cli) endSessions(ctx context.Context, ids []string, all bool) error {
	n, err := c.connectPage(ctx)
	if err != nil {
		return err
	}
	defer n.Close()
	if all {
		list, err := n.Sessions.Sessions(ctx)
		if err != nil {
			return pageError(err)
		}
		for _, s := range list.Sessions {
			ids = append(ids, s.ID)
		}
	}
	var errs []error
	for _, id := range ids {
		err := n.EndSession(ctx, id)
		var e *api.Error
		switch {
		case errors.As(err, &e) && e.Status == http.StatusNotFound && all: // it has just ended
		case errors.As(err, &e) && e.Status == http.StatusNotFound:
			errs = append(errs, notFound("there is no session %q (lf ui list shows them)", text.Clip(id)))
		case err != nil:
			errs = append(errs, err)
		}
	}
	return c.firstOf(errs)
}
