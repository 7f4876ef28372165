package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// getFlags are the flags of get.
type getFlags struct {
	raw, history, open bool
	explain, wide      bool
	owners             []string
	asOf, since        string
	limit              int
	mask               masking
	wait               patience
	trust              trusting
}

func (c *cli) getCommand() *cobra.Command {
	var g getFlags
	cmd := &cobra.Command{
		Use:        "get NAME[#ORD|#FROM#TO|#FROM..|#]...",
		SuggestFor: []string{"read", "query", "find"},
		Short:      "Get values by name",
		Long: `Get what is filed under exactly the names given, together. With --open, also get what has further names. NAME means ordinal 0,
NAME#ORD one ordinal, NAME#FROM#TO a range with both ends, NAME#FROM.. a range without an end, NAME# every ordinal. The
names stay on this computer: the node is asked for blinded ones, and each answer's signatures, claims and times are
checked here.

Several owners may claim the same names. --policy says how their claims are ranked. The best one is the answer, and
a line on standard error tells that there are others. --explain shows all claims (the 100 best of very many) and what each criterion
says of them. A ✗ marks what decided against a claim, and a sentence says why the first one won. lf checks here that
the claims exist, and that by the values shown the best one won. The values themselves (weights, objections, certificates, what was
seen first) are the node's word.

` + policyHelp() + `

A node can answer only with records that it has. --synced lets it compare its records with its peers' first, and waits until it
is in sync (see lf status), at most TIMEOUT. If it is not by then, nothing is asked and the exit code is 1.

In the table, what stands in parentheses is not a value: (deleted), (sealed) for a value that needs another name or
masking key, (damaged) for one that the node's disk damaged, (hex) before bytes that are not text. Text with anything unusual is quoted.

If the node's disk has damaged a record, nothing is answered in its place. The rest is answered, and the exit code is 1. --json
lists it in "damaged", with "record", "error" and "selectors".

--raw writes the value of one key exactly. Of a range, and with --open, it writes each value and a newline. Deleted values are left out.

--json writes {"answers": [...], "more": bool}. The fields of an answer are:

  selectors           as lf set and lf load take them
  value, valueBase64  a text, or other bytes; or else sealed or deleted, which are true
  owner, time, timestamp (ms), record (its CID), composite, effort
  weight              of this record
  claims              how many owners claim the key
  further             with --open: how many further names it has
  older, others       with --history; others also with --explain
  explanation         with --explain

` + timeHelp,
		Example: `  lf get horse
  lf get bad horse#            # every ordinal of "horse", together with "bad"
  lf get --raw bad horse#2#10
  lf get bad --open            # everything filed under "bad" and any other names
  lf get horse --history --json
  lf get horse --synced=30s    # after what the peers have has come
  lf get horse --as-of 2026-11-23 --owner alice
  lf get horse --explain       # who else claims it, and why this one is the answer
  lf get horse --policy certified,newest --ca team.ca.pem
  lf get horse --policy oracles,weight --oracle 12D3KooW...`,
		Args: between(1, -1, "at least one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wait.check(cmd); err != nil {
				return err
			}
			return c.get(cmd.Context(), &g, args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&g.raw, "raw", false, "write the value's bytes alone")
	f.BoolVar(&g.history, "history", false, "also older versions and other owners' claims, the 100 best")
	f.BoolVar(&g.explain, "explain", false, "show all claims, and why the first one won")
	f.BoolVar(&g.wide, "wide", false, "further columns: the record's weight, effort and CID, and how many claims there are")
	f.BoolVar(&g.open, "open", false, "also what is filed under further names")
	f.StringArrayVar(&g.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.StringVar(&g.asOf, "as-of", "", "answer as of this TIME, from versions up to it")
	f.StringVar(&g.since, "since", "", "only from versions of this TIME or later")
	f.IntVar(&g.limit, "limit", 100, fmt.Sprintf("this many answers at most (1 to %d)", maxAnswers))
	g.wait.addFlag(cmd, "synced", "wait first until the node is in sync, at most this `TIMEOUT`")
	g.mask.addFlags(cmd)
	c.addTrusting(cmd, &g.trust)
	c.completeOwnerFlag(cmd)
	return cmd
}

func (c *cli) get(ctx context.Context, g *getFlags, args []string) error {
	q, err := g.question(args)
	if err != nil {
		return err
	}
	if g.raw && (c.json || g.history || g.explain || g.wide) {
		return usage("--raw writes values alone: it goes with none of --json, --history, --explain and --wide")
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
	if err := s.awaitSynced(ctx, &g.wait); err != nil {
		return err
	}
	found, err := s.ask(ctx, q)
	if err != nil {
		return err
	}
	if err := c.show(g, q, found); err != nil {
		return err
	}
	c.hint(g, found.answers)
	if found.more {
		c.note("there are more answers: %s", q.narrower())
	}
	if len(found.damaged) > 0 {
		return c.damagedIn(found)
	}
	return nothingIn(q, found.answers)
}

// damagedShown is how many damaged records are named.
const damagedShown = 10

// damagedIn is the error where the node could not show all: what it could was shown.
func (c *cli) damagedIn(found asked) error {
	if len(found.damaged) == 1 {
		return found.damaged[0]
	}
	for _, d := range found.damaged[:min(len(found.damaged), damagedShown)] {
		c.note("%s", d)
	}
	return fmt.Errorf("this node's disk damaged %d records of what was asked for: lf doctor says what to do", len(found.damaged))
}

// exact reports whether a question asks for one key, which has one answer at most.
func (q *question) exact() bool {
	for _, e := range q.selectors {
		if e.From != e.To {
			return false
		}
	}
	return !q.open
}

// narrower says how to see the answers that the limit cut off.
func (q *question) narrower() string {
	if q.limit < maxAnswers {
		return fmt.Sprintf("ask with a larger --limit (now %d, at most %d), or for less", q.limit, maxAnswers)
	}
	if q.open {
		return fmt.Sprintf("%d is the most for one question: ask with further names, or for times (--since, --as-of) or owners (--owner)", maxAnswers)
	}
	return fmt.Sprintf("%d is the most for one question: ask for a smaller range", maxAnswers)
}

// question reads the parts of a question that need no node.
func (g *getFlags) question(args []string) (q question, err error) {
	if q.selectors, err = parseSelectors(args); err != nil {
		return q, err
	}
	if g.limit < 1 || g.limit > maxAnswers {
		return q, usage("--limit must be 1 to %d, not %d", maxAnswers, g.limit)
	}
	q.open, q.history, q.explain, q.limit = g.open, g.history, g.explain, g.limit
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
	return q, g.trust.read(&q)
}

// show writes the answers in the form asked for. A table of nothing but "(deleted)" is not written,
// unless asked for.
func (c *cli) show(g *getFlags, q question, found asked) error {
	width, _ := terminal(c.stdout)
	answers := found.answers
	switch {
	case c.json:
		return c.printJSON(answersJSON(q, found))
	case g.raw:
		return c.printRaw(q, answers)
	case len(answers) == 0:
		return nil
	}
	var parts []string
	if g.history || (nothingIn(q, answers) == nil && (g.wide || !g.explain)) {
		parts = append(parts, answersTable(g, q, answers, width))
	}
	if g.explain {
		parts = append(parts, explanations(answers, width))
	}
	return c.print(strings.Join(parts, "\n"))
}

// nothingIn returns the error that tells why there is no value to show, nil if there is one:
// nothing, or nothing but deleted values, is "not found".
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
