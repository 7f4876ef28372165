package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// manCommand is for packages: make dist calls it.
func (c *cli) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write lf's manual pages into a directory",
		Long: `Write lf's manual pages into a directory, which is made. They say what --help says. SOURCE_DATE_EPOCH gives the date that
they bear, in seconds since 1970. Without it they bear none.`,
		Example: "  lf man /tmp/man && man -l /tmp/man/lf.1",
		Hidden:  true,
		Args:    between(1, 1, "a directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := manDate(os.Getenv("SOURCE_DATE_EPOCH"))
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return err
			}
			for _, page := range manPages(cmd.Root(), date) {
				if err := os.WriteFile(filepath.Join(args[0], page.file()), []byte(page.roff()), 0o644); err != nil { //nolint:gosec // as above
					return err
				}
			}
			return nil
		},
	}
}

// manDate is the date of the pages, from seconds since 1970 as text.
func manDate(epoch string) (string, error) {
	if epoch == "" {
		return "", nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return "", fmt.Errorf("SOURCE_DATE_EPOCH is %q: want seconds since 1970", epoch)
	}
	return time.Unix(seconds, 0).UTC().Format(time.DateOnly), nil
}

// manPages are the pages of a command and of all below it that a user sees.
func manPages(cmd *cobra.Command, date string) []manPage {
	pages := []manPage{{cmd: cmd, date: date}}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" || sub.IsAdditionalHelpTopicCommand() && !sub.Hidden {
			pages = append(pages, manPages(sub, date)...)
		}
	}
	return pages
}
