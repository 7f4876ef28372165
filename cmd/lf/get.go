package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

// getFlags are the flags of get.
type getFlags struct {
	raw, history, open bool
	explain, wide      bool
	owners             []string
	asOf, since        string
	limit              int
	mask               masking
	jsonl, all         bool
	alive              time.Duration
	batch              string
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

A service that is alive pulses (lf pulse). --alive AGE asks only for answers with a pulse that is at most so old, and counts the others.
The claims are ranked first: where the best one is not alive, nothing is answered, and no other owner's claim. The owner's signature
of each pulse is checked here. The table then has a column ALIVE: how old the newest pulse is.

If the node's disk has damaged a record, nothing is answered in its place. The rest is answered, and the exit code is 1. --json
lists it in "damaged", with "record", "error" and "selectors".

--raw writes the value of one key exactly. Of a range, and with --open, it writes each value and a newline. Deleted values are left out.

--json writes {"answers": [...], "more": bool}, which lf load takes as it is. With --alive, "lapsed" counts what is not alive. The fields of an answer are:

  selectors           as lf set and lf load take them: the name first that the value is sealed with
  value, valueBase64  a text, or other bytes; or else sealed or deleted, which are true
  owner, time, timestamp (ms), record (its CID), composite, effort
  weight              of this record
  claims              how many owners claim the key
  alive               the newest pulse, if one of the last day is known: time, second (of the Unix epoch), age (s)
  further             with --open: how many further names it has
  older, others       with --history; others also with --explain
  explanation         with --explain

` + timeHelp,
		Example: `  lf get horse
  lf get bad horse#            # every ordinal of "horse", together with "bad"
  lf get --raw bad horse#2#10
  lf get bad --open            # everything filed under "bad" and any other names
  lf get 'horse#' --all --jsonl > horse.jsonl
  lf get --batch names.txt --jsonl
  lf get horse --history --json
  lf get horse --synced=30s    # after what the peers have has come
  lf get horse --as-of 2026-11-23 --owner alice
  lf get svc web# --alive 5m   # the services that are alive
  lf get horse --explain       # who else claims it, and why this one is the answer
  lf get horse --policy certified,newest --ca team.ca.pem
  lf get horse --policy oracles,weight --oracle 12D3KooW...`,
		Args: func(cmd *cobra.Command, args []string) error {
			if g.batch != "" {
				return between(0, 0, "no NAME with --batch")(cmd, args)
			}
			return between(1, -1, "at least one NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.checkFlags(cmd); err != nil {
				return err
			}
			if g.batch != "" {
				return c.getBatch(cmd.Context(), &g)
			}
			return c.get(cmd.Context(), &g, args)
		},
	}
	g.addFlags(c, cmd)
	return cmd
}

func (g *getFlags) checkFlags(cmd *cobra.Command) error {
	switch {
	case g.alive == 0 && cmd.Flags().Changed("alive"):
		return usage("--alive wants an age above 0, such as 5m")
	case g.all && cmd.Flags().Changed("limit"):
		return usage("--all shows every answer: leave out --limit")
	}
	return g.wait.check(cmd)
}

func (g *getFlags) addFlags(c *cli, cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&g.raw, "raw", false, "write the value's bytes alone")
	f.BoolVar(&g.history, "history", false, "also older versions and other owners' claims, the 100 best")
	f.BoolVar(&g.explain, "explain", false, "show all claims, and why the first one won")
	f.BoolVar(&g.wide, "wide", false, "further columns: the record's weight, effort and CID, and how many claims there are")
	f.BoolVar(&g.open, "open", false, "also what is filed under further names")
	f.StringArrayVar(&g.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.StringVar(&g.asOf, "as-of", "", "answer as of this TIME, from versions up to it")
	f.StringVar(&g.since, "since", "", "only from versions of this TIME or later")
	f.IntVar(&g.limit, "limit", 100, fmt.Sprintf("this many answers at most (1 to %d)", lf.MaxAnswers))
	f.BoolVar(&g.all, "all", false, "every answer, however many: the node is asked for one page after the other")
	f.BoolVar(&g.jsonl, "jsonl", false, "write a line of JSON for each value, as lf load takes it")
	f.StringVar(&g.batch, "batch", "", "get the keys in this `FILE` (- for standard input), one a line: a name, or several as a list in JSON")
	f.DurationVar(&g.alive, "alive", 0, "only what has a pulse of at most this `AGE`, such as 5m")
	g.wait.addFlag(cmd, "synced", "wait first until the node is in sync, at most this `TIMEOUT`")
	g.mask.addFlags(cmd)
	c.addTrusting(cmd, &g.trust)
	c.completeOwnerFlag(cmd)
}

// question is what one wants to know.
type question struct {
	key           lf.Key
	open, history bool
	lines         bool // each value on a line of its own
	limit         int
	alive         time.Duration
	options       []lf.ReadOption
}

func (c *cli) get(ctx context.Context, g *getFlags, args []string) error {
	q, err := g.question(args)
	if err != nil {
		return err
	}
	if err := g.checkForm(c); err != nil {
		return err
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := g.ask(ctx, client, q)
	if err != nil {
		return err
	}
	if g.jsonl {
		return c.printLines(q, found)
	}
	if err := c.show(g, q, found); err != nil {
		return err
	}
	c.hint(g, found.Answers)
	c.lapsed(q, found)
	if found.More {
		c.note("there are more answers: %s", q.narrower())
	}
	if len(found.Damaged) > 0 {
		return c.damagedIn(found)
	}
	return nothingIn(q, found)
}

// lapsed tells how many answers are not alive, where others are.
func (c *cli) lapsed(q question, found *lf.Result) {
	if found.Lapsed > 0 && len(found.Answers) > 0 && !q.lines {
		c.note("%s not alive", text.Count(found.Lapsed, "answer is", "answers are"))
	}
}

// checkForm says which forms of output do not go together.
func (g *getFlags) checkForm(c *cli) error {
	switch {
	case g.raw && (c.json || g.history || g.explain || g.wide):
		return usage("--raw writes values alone: it goes with none of --json, --history, --explain and --wide")
	case g.jsonl && (c.json || g.raw || g.history || g.explain || g.wide || g.open):
		return usage("--jsonl writes what lf load takes: it goes with none of --json, --raw, --history, --explain, --wide and --open")
	case g.all && (g.history || g.explain):
		return usage("--all shows answers alone: it goes with neither --history nor --explain")
	}
	return nil
}

// ask asks for one page of answers or, with --all, for one after the other. Deleted answers are
// then left out.
func (g *getFlags) ask(ctx context.Context, client *lf.Client, q question) (*lf.Result, error) {
	if !g.all {
		return client.Query(ctx, q.key, q.options...)
	}
	found := new(lf.Result)
	for a, err := range client.Range(ctx, q.key, append(q.options, lf.Limit(lf.MaxAnswers))...) {
		var damaged *lf.DamagedError
		switch {
		case errors.As(err, &damaged):
			found.Damaged = append(found.Damaged, damaged)
		case err != nil && !errors.Is(err, lf.ErrSealed):
			return nil, err
		default:
			found.Answers = append(found.Answers, a)
		}
	}
	return found, nil
}

// damagedShown is how many damaged records are named.
const damagedShown = 10

// damagedIn is the error where the node could not show all: what it could was shown.
func (c *cli) damagedIn(found *lf.Result) error {
	if len(found.Damaged) == 1 {
		return found.Damaged[0]
	}
	for _, d := range found.Damaged[:min(len(found.Damaged), damagedShown)] {
		c.note("%s", d)
	}
	return fmt.Errorf("this node's disk damaged %d records of what was asked for: lf doctor says what to do", len(found.Damaged))
}

// exact reports whether a question is about one key alone, which has one answer at most.
func (q *question) exact() bool { return q.key.Exact() && !q.open && !q.lines }

// narrower says how to see the answers that the limit cut off.
func (q *question) narrower() string {
	if q.limit < lf.MaxAnswers {
		return fmt.Sprintf("ask with a larger --limit (now %d, at most %d), or for less", q.limit, lf.MaxAnswers)
	}
	if q.open {
		return fmt.Sprintf("%d is the most for one question: ask with further names, or for times (--since, --as-of) or owners (--owner)", lf.MaxAnswers)
	}
	return fmt.Sprintf("%d is the most for one question: ask for a smaller range", lf.MaxAnswers)
}

// question reads what can be read of a question without a node.
func (g *getFlags) question(args []string) (q question, err error) {
	if q.key, err = lf.ParseKey(args...); err != nil {
		return q, err
	}
	if g.limit < 1 || g.limit > lf.MaxAnswers {
		return q, usage("--limit must be 1 to %d, not %d", lf.MaxAnswers, g.limit)
	}
	q.open, q.history, q.limit, q.alive = g.open, g.history, g.limit, g.alive
	q.options = []lf.ReadOption{lf.Limit(g.limit), lf.By(g.owners...)}
	if g.open {
		q.options = append(q.options, lf.Further())
	}
	if g.history {
		q.options = append(q.options, lf.History())
	}
	if g.explain {
		q.options = append(q.options, lf.Explain())
	}
	if g.alive != 0 {
		q.options = append(q.options, lf.Alive(g.alive))
	}
	if g.wait.timeout > 0 {
		q.options = append(q.options, lf.Synced(g.wait.timeout))
	}
	if err := g.readTimes(&q); err != nil {
		return q, err
	}
	mask, err := g.mask.key()
	if err != nil {
		return q, err
	}
	q.options = append(q.options, lf.MaskingKey(mask))
	trust, err := g.trust.options()
	q.options = append(q.options, trust...)
	return q, err
}

func (g *getFlags) readTimes(q *question) error {
	now := time.Now()
	var since, until uint64
	var err error
	if g.asOf != "" {
		if until, err = parseTime("as-of", g.asOf, now); err != nil {
			return err
		}
		q.options = append(q.options, lf.AsOf(text.TimeOf(until)))
	}
	if g.since != "" {
		if since, err = parseTime("since", g.since, now); err != nil {
			return err
		}
		q.options = append(q.options, lf.Since(text.TimeOf(since)))
	}
	if until > 0 && since > until {
		return usage("--since is after --as-of")
	}
	return nil
}

// show writes the answers in the form asked for. A table of nothing but "(deleted)" is not written,
// unless asked for.
func (c *cli) show(g *getFlags, q question, found *lf.Result) error {
	width, _ := terminal(c.stdout)
	answers := found.Answers
	switch {
	case c.json:
		return c.printJSON(answersJSON(q, found))
	case g.raw:
		return c.printRaw(q, answers)
	case len(answers) == 0:
		return nil
	}
	var parts []string
	if g.history || (nothingIn(q, found) == nil && (g.wide || !g.explain)) {
		parts = append(parts, answersTable(g, q, answers, width))
	}
	if g.explain {
		parts = append(parts, explanations(answers, width))
		if compared := comparisonText(found.Comparison); compared != "" {
			parts = append(parts, compared)
		}
	}
	return c.print(strings.Join(parts, "\n"))
}

// nothingIn returns the error that tells why there is no value to show, nil if there is one.
// Nothing but deleted values is "not found", too.
func nothingIn(q question, found *lf.Result) error {
	answers := found.Answers
	switch {
	case len(answers) == 0 && found.Lapsed > 0:
		return notFound("%s: not alive within %s", q.key, q.alive)
	case len(answers) == 0:
		return notFound("%s: not found", q.key)
	}
	for _, a := range answers {
		if !a.Deleted {
			return nil
		}
	}
	if len(answers) > 1 {
		return notFound("%s: deleted (all %d)", q.key, len(answers))
	}
	last := answers[0]
	return notFound("%s: deleted by %s on %s", last.Key, last.Owner, text.LocalTime(last.Header().Timestamp))
}
