package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// loadFlags are the flags of load.
type loadFlags struct {
	authoring
	patience time.Duration
	again    bool
	changed  bool
}

func (c *cli) loadCommand() *cobra.Command {
	var l loadFlags
	cmd := &cobra.Command{
		Use:   "load FILE|-",
		Short: "Set many values from a file of JSON",
		Long: `Set many values, one JSON object a line:

  {"selectors": ["bad", "horse#2"], "value": "He rides across the nation"}
  {"selectors": ["keys", "alice"], "valueBase64": "mQENBF..."}
  {"selectors": ["horse"], "deleted": true}

The last one is a tombstone: it deletes what the owner has set there, if anything. Selectors are written as for lf set. The whole file is checked before anything is written. Several records are made at
once. A line counts as written when the node has it on disk. After an interruption the same command continues where it
stopped. For that, the home keeps which lines the node has acknowledged, for this content, network, owner, masking key and database.
If the node is away, for instance for a restart, load waits.

--changed asks the node what the owner has set under each key, and writes only the lines that differ. It keeps no account of the lines.

The lines of lf get --jsonl are loaded as they are, and so is the document of lf get --json, or the list of answers in it.
What is deleted in a document is left out. A value that is not in it, since it is sealed or damaged, is an error.

lf set --batch writes lines one after the other, as they come.`,
		Example: `  lf load facts.jsonl
  lf load facts.jsonl          # again: goes on, or says that all of it is there
  jq -c '{selectors: [.name], value: .key}' people.json | lf load -
  lf load facts.jsonl --changed        # after an edit
  lf get 'horse#' --all --jsonl > horse.jsonl
  lf get 'horse#' --all --json | lf load -`,
		Args: between(1, 1, "one FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := l.check(); err != nil {
				return err
			}
			if l.again && l.changed {
				return usage("--again writes every line, and --changed only some: leave out one of them")
			}
			return l.within(cmd.Context(), func(ctx context.Context) error { return c.load(ctx, &l, args[0]) })
		},
	}
	c.addAuthoring(cmd, &l.authoring)
	l.mask.addFlags(cmd)
	cmd.Flags().DurationVar(&l.patience, "patience", time.Minute, "how long to wait for a node that is away")
	cmd.Flags().BoolVar(&l.again, "again", false, "write every line, also those written before")
	cmd.Flags().BoolVar(&l.changed, "changed", false, "write only what differs from what the owner has set there now")
	return cmd
}

func (c *cli) load(ctx context.Context, l *loadFlags, name string) (err error) {
	file, err := lf.OpenBulk(name, c.stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	client, err := c.connectAuthor(ctx, &l.authoring)
	if err != nil {
		return err
	}
	defer client.Close()
	options, err := l.options(c, client)
	if err != nil {
		return err
	}
	var bar progressBar
	started := false
	all := []lf.LoadOption{options, lf.Patience(l.patience),
		lf.OnStart(func(state lf.Loaded) {
			started = true
			c.noteStart(file, state)
			bar = c.loadBar(state.Lines, state.Before)
		}),
		lf.OnWritten(func(*protocol.Record, *lf.Written) { bar.step() }),
	}
	if l.again {
		all = append(all, lf.Again())
	}
	if l.changed {
		all = append(all, lf.OnlyChanged())
	}
	start := time.Now()
	done, err := client.LoadFile(ctx, file, all...)
	bar.end(err == nil)
	switch {
	case err != nil && started:
		c.note("%d of %d lines are written; the same command goes on from there", done.Before+done.Written, done.Lines)
		return err
	case err != nil:
		return err
	}
	if done.Unchanged > 0 {
		c.note("%s what the owner has set already", text.Count(done.Unchanged, "line says", "lines say"))
	}
	return c.printLoaded(loadSummary{File: file.Name(), Lines: done.Lines, Before: done.Before, Written: done.Written, Unchanged: done.Unchanged, Seconds: time.Since(start).Seconds()})
}

// noteStart tells what of a file was written before.
func (c *cli) noteStart(file *lf.BulkFile, l lf.Loaded) {
	if l.Lost > 0 {
		c.note("the node's database was set back, and lost %s that were written before", text.Count(l.Lost, "line", "lines"))
	}
	switch {
	case l.Lines == 0:
		c.note("nothing is on the lines of %s", file.Name())
	case l.Complete:
		c.note("all %d lines of %s were written before; --again writes them once more", l.Lines, file.Name())
	case l.Before > 0:
		c.note("going on: %d of %d lines were written before", l.Before, l.Lines)
	}
}

// loadSummary is the result of load in JSON output.
type loadSummary struct {
	File      string  `json:"file"`
	Lines     int     `json:"lines"`
	Before    int     `json:"before"`
	Written   int     `json:"written"`
	Unchanged int     `json:"unchanged,omitempty"`
	Seconds   float64 `json:"seconds"`
}

func (c *cli) printLoaded(l loadSummary) error {
	switch {
	case c.json:
		return c.printJSON(l)
	case c.quiet || l.Written == 0:
		return nil
	}
	return c.printf("%s written in %.1f s, %s\n", countedRecords(uint64(l.Written)), l.Seconds, pace(l.Written, l.Seconds))
}

// pace is how fast records were written, as a rate, or per record where one takes seconds.
func pace(records int, seconds float64) string {
	rate := float64(records) / max(seconds, 1e-3)
	if records > 0 && rate < 1 {
		return fmt.Sprintf("%.0f s a record", seconds/float64(records))
	}
	return fmt.Sprintf("%.0f records/s", rate)
}
