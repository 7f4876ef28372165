package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// getting holds the flags of get.
type getting struct {
	raw, history, open bool
	owners             []string
	asOf, since        string
	limit              int
	mask               masking
}

func (c *cli) getCommand() *cobra.Command {
	var g getting
	cmd := &cobra.Command{
		Use:   "get NAME[#ORD|#FROM#TO|#]...",
		Short: "Get values by name",
		Long: `Get what is filed under exactly the names given, together (--open: also what has further names). NAME means ordinal 0,
NAME#ORD one ordinal, NAME#FROM#TO a range with both ends, NAME# every ordinal. The names stay on this computer: the
node is asked for blinded ones, and each answer's signatures, claims and times are checked here.

In the table, what stands in parentheses is not a value: (deleted), (sealed) for a value that needs another name or
masking key, (hex) before bytes that are not text. Text with anything unusual in it is quoted.

--raw writes one answer's bytes exactly; of several answers, it writes one a line. Deleted ones are left out.
--json writes {"answers": [...], "more": bool}. An answer has "selectors" (as for lf set and lf load), "value" for text
or "valueBase64" for other bytes, "sealed" or "deleted" in place of them, "owner", "time", "timestamp" (ms), "record"
(its CID), "composite", "effort"; with --open "further" (how many names it has besides); with --history "older" and "others".

` + timeHelp,
		Example: `  lf get horse
  lf get bad horse#            # every ordinal of "horse", together with "bad"
  lf get --raw bad horse#2#10
  lf get bad --open            # everything filed under "bad" and any other names
  lf get horse --history --json
  lf get horse --as-of 2026-11-23 --owner alice`,
		Args: between(1, -1, "at least one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.get(cmd.Context(), &g, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&g.raw, "raw", false, "write the value's bytes alone")
	f.BoolVar(&g.history, "history", false, "also older versions and other owners' claims")
	f.BoolVar(&g.open, "open", false, "also what is filed under further names")
	f.StringArrayVar(&g.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.StringVar(&g.asOf, "as-of", "", "answer as of this TIME, from versions up to it")
	f.StringVar(&g.since, "since", "", "only from versions of this TIME or later")
	f.IntVar(&g.limit, "limit", 100, fmt.Sprintf("this many answers at most (1 to %d)", maxAnswers))
	g.mask.addFlags(cmd)
	c.completeOwnerFlag(cmd)
	return cmd
}

func (c *cli) get(ctx context.Context, g *getting, args []string) error {
	q, err := g.question(args)
	if err != nil {
		return err
	}
	if g.raw && (c.json || g.history) {
		return usage("--raw goes with neither --json nor --history")
	}
	s, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer s.close()
	if q.owners, err = s.owners(g.owners); err != nil {
		return err
	}
	if q.mask, err = g.mask.derive(s.network); err != nil {
		return err
	}
	answers, more, err := s.ask(ctx, q)
	if err != nil {
		return err
	}
	if err := c.show(g, q, answers, more); err != nil {
		return err
	}
	if more {
		c.note("there are more answers: ask for a smaller range, or with a larger --limit (now %d)", q.limit)
	}
	return nil
}

// question reads what can be read of a question without a node.
func (g *getting) question(args []string) (q question, err error) {
	if q.selectors, err = parseSelectors(args); err != nil {
		return q, err
	}
	if g.limit < 1 || g.limit > maxAnswers {
		return q, usage("--limit must be 1 to %d, not %d", maxAnswers, g.limit)
	}
	q.open, q.history, q.limit = g.open, g.history, g.limit
	now := time.Now()
	if g.asOf != "" {
		if q.until, err = parseTime("as-of", g.asOf, now); err != nil {
			return q, err
		}
	}
	if g.since != "" {
		if q.since, err = parseTime("since", g.since, now); err != nil {
			return q, err
		}
	}
	if q.until > 0 && q.since > q.until {
		return q, usage("--since is after --as-of")
	}
	return q, nil
}

// show writes the answers in the form asked for. Nothing, or nothing but deleted values, is "not found".
func (c *cli) show(g *getting, q question, answers []answer, more bool) error {
	nothing := nothingIn(q, answers)
	switch {
	case c.json:
		if err := c.printJSON(answersJSON(q, answers, more)); err != nil {
			return err
		}
	case g.raw:
		if err := c.printRaw(answers); err != nil {
			return err
		}
	case nothing == nil || (g.history && len(answers) > 0):
		width, _ := terminal(c.stdout)
		if err := c.print(answersTable(q, answers, width)); err != nil {
			return err
		}
	}
	return nothing
}

// nothingIn returns the error that tells why there is no value to show, nil if there is one.
func nothingIn(q question, answers []answer) error {
	if len(answers) == 0 {
		return notFound("%s: not found", written(q.selectors))
	}
	for i := range answers {
		if !answers[i].deleted() {
			return nil
		}
	}
	if len(answers) > 1 {
		return notFound("%s: deleted (all %d)", written(q.selectors), len(answers))
	}
	last := answers[0].winner.record
	return notFound("%s: deleted by %s on %s", written(answers[0].selectors), last.Owner, localTime(last.Timestamp))
}
