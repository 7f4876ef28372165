package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const selectorHelp = `NAME#ORD is a name with an ordinal (0 to 2^63-1), NAME alone means ordinal 0. A hash that belongs to a name is
written \#, a backslash \\. Several names make a composite key. Their order does not matter for finding it, but values are
sealed with the first one, and can be read with that name.`

func (c *cli) setCommand() *cobra.Command {
	var a authoring
	var v valueFlags
	ifNewest, batch := "", ""
	cmd := &cobra.Command{
		Use:        "set NAME[#ORD]... VALUE",
		SuggestFor: []string{"put", "write", "store"},
		Short:      "Set a value under one or more names",
		Long: `Set a value under one or more names. Names, keys and the value stay on this computer: lf blinds, seals, signs and
works here, and gives the node a finished record. The record's CID is printed when the node has it on disk.
Before the work, standard error shows what will be set.

` + selectorHelp + `

VALUE is the last argument, so quote what has spaces in it. On a terminal lf asks back if that may be a mistake: several names and
a single word, or a value that looks like a name with an ordinal. With --value or --value-file all arguments are names, and lf
asks nothing. An empty value is an error without --allow-empty, since unset variables and failed commands leave one.

VALUE is taken byte for byte; - reads it from standard input. Write -- before a value that begins with a dash. Values are
compressed and sealed (29 bytes more). The network limits their size then (lf network show), usually to 4096 bytes.

--batch FILE sets what the lines of a file say, or of standard input for -. Each line is a JSON object as lf load and
lf get --jsonl have it, or a tombstone:

  {"selectors": ["bad", "horse#2"], "value": "He rides across the nation"}
  {"selectors": ["keys", "alice"], "valueBase64": "mQENBF..."}
  {"selectors": ["horse"], "deleted": true}

The lines are written one after the other in their order, each when it comes, so that a pipe may stay open. A CID is printed
for each. A line that fails is named on standard error, the others are written, and the exit code is 1. If the node is away,
nothing more is written. --json writes a JSON object a line, with "line" and the record's CID, or "error". lf load checks
the whole file first, writes several records at once and each key once, ends with the first failure, and goes on
after an interruption.

--if-newest CID sets the value only if the answer is still that record, as lf set or lf get --json showed it. It prevents most lost
updates, but is no lock: another writer may write at the same moment.`,
		Example: `  lf set horse 'Bad Horse, Bad Horse'
  lf set bad horse#2 'He rides across the nation'
  lf set bad horse#2 --value "$TEXT"
  lf set 'issue \#7' 'a name with a hash in it'
  lf set keys alice --value-file alice.asc
  sha256sum release.tar.gz | lf set release.tar.gz -
  lf set temperature -- -5
  lf set horse 'new' --if-newest "$(lf get horse --json | jq -r '.answers[0].record')"
  lf set --batch changes.jsonl
  LF_MASK=secret lf set horse 'only for those who know the masking key'`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case batch != "":
				return between(0, 0, "no NAME with --batch: its lines have them")(cmd, args)
			case v.givenByFlag():
				return between(1, -1, "at least one NAME beside --value or --value-file")(cmd, args)
			}
			return between(2, -1, "at least one NAME and a VALUE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if batch != "" {
				if v.givenByFlag() || v.allowEmpty || ifNewest != "" {
					return usage("the lines of --batch have the values: it goes with none of --value, --value-file, --allow-empty and --if-newest")
				}
				return c.setBatch(cmd.Context(), &a, batch)
			}
			condition, err := parseIfNewest(ifNewest)
			if err != nil {
				return err
			}
			return c.set(cmd.Context(), &a, &v, condition, args)
		},
	}
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	v.addFlags(cmd)
	cmd.Flags().StringVar(&batch, "batch", "", "set what the lines of this `FILE` say (- for standard input)")
	cmd.Flags().StringVar(&ifNewest, "if-newest", "", "set only if the answer is still this record, a `CID`; none: only if nothing is answered")
	return cmd
}

// noRecord is what --if-newest takes for no answer.
const noRecord = "none"

// parseIfNewest reads the condition of a write, nil for none.
func parseIfNewest(s string) (lf.WriteOption, error) {
	switch s {
	case "":
		return nil, nil
	case noRecord:
		return lf.IfNewest(protocol.ID{}), nil
	}
	id, err := protocol.ParseID(s)
	if err != nil {
		return nil, usage("--if-newest %s is neither the CID of a record nor %q", text.Clip(strconv.Quote(s)), noRecord)
	}
	return lf.IfNewest(id), nil
}

func (c *cli) set(ctx context.Context, a *authoring, v *valueFlags, condition lf.WriteOption, args []string) error {
	if err := a.check(); err != nil {
		return err
	}
	if err := v.check(); err != nil {
		return err
	}
	p, err := c.plan(args, v)
	if err != nil {
		return err
	}
	p.secret = a.mask.given()
	shown, err := c.confirm(ctx, &p)
	if err != nil {
		return err
	}
	note := ""
	if !shown {
		note = p.String()
	}
	return c.publish(ctx, a, note, func(ctx context.Context, client *lf.Client, options lf.BulkOption) error {
		all := []lf.WriteOption{options}
		if condition != nil {
			all = append(all, condition)
		}
		_, err := client.Set(ctx, p.key, p.value, all...)
		return err
	})
}

// printSubmitted says what came of a write. Without a composed record it was a delete, and the
// owner had deleted the value already.
func (c *cli) printSubmitted(done *lf.Written, composed bool) error {
	if !composed {
		c.note("nothing was written: this owner had deleted it already")
	}
	if c.json {
		return c.printJSON(done)
	}
	if done.State != api.StateAttached {
		c.note("the record is %s: the node keeps it and answers with it later", done.State)
	}
	if done.Superseded {
		c.note("this owner has written a newer record under the same key meanwhile, which is the answer")
	}
	if c.quiet {
		return nil
	}
	return c.printf("%s\n", done.ID)
}
