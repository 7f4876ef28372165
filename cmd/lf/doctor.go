package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what works and what does not, and what to try",
		Long: `Check the running node and say in words what works: whether others can dial it, over which transports, and through which relays;
which seeds answer, and how it finds others; whether it is in sync, its clock right, and its disk large enough.

The answer has a line for each area. Below it stands what to try next, if something is not as it should be:

  ok    works
  note  not known yet, or as the node was told to be
  warn  does not work as it could; the node reads and writes nevertheless
  FAIL  has to be mended: the clock is wrong, the disk is full or damages what it keeps, the node listens nowhere, another node has
        its identity, no authority of the network is valid

A node that has just started knows little: others must try to dial it first, which takes a minute and a peer.

The exit code is 0 unless something failed or no node answers, so the command serves as a container's health check. With --quiet it
writes warnings and failures only. With --json it writes what GET /v1/doctor answers: the findings, and the facts that they rest on.`,
		Example: `  lf doctor
  lf doctor --json | jq '.facts.reach'
  HEALTHCHECK CMD lf doctor --quiet`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context()) },
	}
}

func (c *cli) doctor(ctx context.Context) error {
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	checkup, err := client.Node().Doctor(ctx)
	if err != nil {
		return err
	}
	if c.json {
		err = c.printJSON(checkup)
	} else {
		err = c.print(c.findingsText(checkup.Findings))
	}
	if err == nil && !checkup.Healthy {
		err = errors.New(failuresText(checkup.Findings))
	}
	return err
}

// stateLabel is a finding's state as people see it: what is wrong stands out.
func stateLabel(state string) string {
	switch state {
	case api.FindingWarning:
		return "warn"
	case api.FindingFailure:
		return "FAIL"
	}
	return text.Printable(state)
}

// findingsText lists findings with their advice, and a summary; with --quiet those only that are
// not as they should be.
func (c *cli) findingsText(findings []api.Finding) string {
	var rows [][]string
	for _, f := range findings {
		if c.quiet && f.State != api.FindingWarning && f.State != api.FindingFailure {
			continue
		}
		rows = append(rows, []string{stateLabel(f.State), text.Printable(f.Area), text.Line(f.Text)})
		if f.Advice != "" {
			rows = append(rows, []string{"", "", "→ try: " + text.Line(f.Advice)})
		}
	}
	text := table(rows)
	if !c.quiet {
		text += "\n" + summary(findings) + "\n"
	}
	return text
}

// summary counts the findings: "healthy: 9 ok, 2 notes, 1 warning".
func summary(findings []api.Finding) string {
	n := map[string]int{}
	for _, f := range findings {
		n[f.State]++
	}
	parts := []string{fmt.Sprintf("%d ok", n[api.FindingOK])}
	for _, s := range []struct{ state, one, many string }{
		{api.FindingNote, "note", "notes"}, {api.FindingWarning, "warning", "warnings"}, {api.FindingFailure, "failure", "failures"},
	} {
		if n[s.state] > 0 {
			parts = append(parts, text.Count(n[s.state], s.one, s.many))
		}
	}
	word := "healthy"
	if n[api.FindingFailure] > 0 {
		word = "not healthy"
	}
	return word + ": " + strings.Join(parts, ", ")
}

// failuresText is the error for what has to be mended.
func failuresText(findings []api.Finding) string {
	var areas []string
	for _, f := range findings {
		if f.State == api.FindingFailure {
			areas = append(areas, f.Area)
		}
	}
	return "not healthy: " + strings.Join(areas, ", ")
}
