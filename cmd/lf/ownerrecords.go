package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// recordsFlags are the flags of owner records.
type recordsFlags struct {
	limit int
	jsonl bool
}

func (c *cli) ownerRecordsCommand() *cobra.Command {
	var f recordsFlags
	cmd := &cobra.Command{
		Use:   "records [OWNER]",
		Short: "List the records that an owner has written",
		Long: `List all records that an owner has written (default: the default owner), the newest first. OWNER is a peer ID, or a name of lf owner list.
Each record's signature and owner are checked here. A node could leave records out, and lists only those that it has with all
their ancestors.

TYPE      datum, tombstone, release, commentary, certificate or revocation
BYTES     of the value as it travels
ORDINALS  one for each selector of the record. Names are blinded: lf show tells the selectors' keys
RECORD    the record's CID. (hidden): it rests on a certificate that was revoked. (damaged): the node's disk damaged it`,
		Example: `  lf owner records
  lf owner records 12D3KooWC5y8... --jsonl | jq -r .id`,
		Args:              between(0, 1, "at most one OWNER"),
		ValidArgsFunction: c.completeOwners,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.ownerRecords(cmd.Context(), &f, args) },
	}
	cmd.Flags().IntVar(&f.limit, "limit", 0, "list at most `N` records (0: all)")
	cmd.Flags().BoolVar(&f.jsonl, "jsonl", false, "write a JSON document a line, each as soon as it is known")
	return cmd
}

func (c *cli) ownerRecords(ctx context.Context, f *recordsFlags, args []string) error {
	switch {
	case f.limit < 0:
		return usage("--limit must not be below 0, and is %d", f.limit)
	case f.jsonl && c.json:
		return usage("--json and --jsonl exclude each other")
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	owner, err := ownerNamed(client, args)
	if err != nil {
		return err
	}
	all := []*api.ListedRecord{}
	listed := 0
	for r, err := range client.RecordsBy(ctx, owner, f.limit) {
		if err != nil {
			return err
		}
		r.Frame = nil
		switch {
		case c.json:
			all = append(all, r.ListedRecord)
		case f.jsonl:
			err = c.printLine(r.ListedRecord)
		default:
			err = c.printRecordRow(listed == 0, &r)
		}
		if err != nil {
			return err
		}
		listed++
	}
	switch {
	case c.json:
		return c.printJSON(all)
	case listed == 0 && !f.jsonl:
		c.note("owner %s has written nothing that this node has", owner)
	}
	return nil
}

func (c *cli) printLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.print(string(line) + "\n")
}

// recordColumns is a row of the list. It is written row by row, so the widths are fixed.
const recordColumns = "%-19s  %-11s  %6s  %-10s  %s\n"

func (c *cli) printRecordRow(first bool, info *lf.Listed) error {
	if first {
		if err := c.printf(recordColumns, "TIME", "TYPE", "BYTES", "ORDINALS", "RECORD"); err != nil {
			return err
		}
	}
	record := info.ID.String()
	if info.Hidden {
		record += " (hidden)"
	}
	if info.Error == api.ErrorDamaged {
		record += " (damaged)"
	}
	r := info.Record
	if r == nil {
		return c.printf(recordColumns, "", "", "", "", record)
	}
	kind, size := r.Type.String(), 0
	if r.Tombstone() {
		kind = "tombstone"
	}
	if r.Value != nil {
		size = int(r.Value.Size)
	}
	var ordinals []string
	for _, s := range r.Selectors {
		ordinals = append(ordinals, "#"+strconv.FormatUint(s.Ordinal, 10))
	}
	return c.printf(recordColumns, text.LocalTime(r.Timestamp), kind, strconv.Itoa(size), strings.Join(ordinals, " "), record)
}
