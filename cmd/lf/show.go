package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show CID",
		Short: "Show one record in words",
		Long: `Show one record in words: its type, owner and time, its links and weight, and the content of certificates, revocations and
commentaries. Selectors are shown as they travel, blinded: they do not tell the names, and the names are needed to read a sealed value
(lf get). Signatures and contents are checked here; state and weight are the node's word.

With --json it writes what GET /v1/records/CID answers, and the field "contents".`,
		Example: `  lf show bafyreia47iybx7tty32sunylkg74dqyynqf5akb74nuz5wy7hoseay2eji
  lf show $(lf set horse 'Bad Horse')`,
		Args: between(1, 1, "one CID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := protocol.ParseID(args[0])
			if err != nil {
				return usage("%s is not the CID of a record", text.Clip(strconv.Quote(args[0])))
			}
			return c.showRecord(cmd.Context(), id)
		},
	}
}

func (c *cli) showRecord(ctx context.Context, id protocol.ID) error {
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	info, record, err := client.Record(ctx, id)
	if err != nil {
		return err
	}
	what := describe(client.Network(), record)
	if c.json {
		return c.printJSON(jsonRecord{info, what})
	}
	return c.printFields(append(recordFields(info, record), what.fields()...))
}

// jsonRecord is a record in JSON output: the node's answer, and the content as lf has read it.
type jsonRecord struct {
	*api.RecordInfo
	Contents *description `json:"contents,omitempty"`
}

func recordFields(info *api.RecordInfo, r *protocol.Record) []field {
	fields := []field{
		{"record", r.ID().String()},
		{"type", typeText(r)},
		{"owner", r.Owner.String()},
		{"time", fmt.Sprintf("%s (%d)", preciseTime(r.Timestamp), r.Timestamp)},
	}
	for i, link := range r.Links {
		fields = append(fields, field{[]string{"links", ""}[min(i, 1)], link.String()})
	}
	for i, s := range r.Selectors {
		fields = append(fields, field{[]string{"selectors", ""}[min(i, 1)], fmt.Sprintf("%s #%d", s.Key, s.Ordinal)})
	}
	if len(r.Selectors) > 0 {
		fields = append(fields, field{"composite", r.CompositeID().String()})
	}
	return append(fields,
		field{"size", sizesText(r)},
		field{"effort", strconv.FormatUint(uint64(r.Effort()), 10)},
		field{"weight", weightText(info)},
		field{"state", stateText(info)},
	)
}

func typeText(r *protocol.Record) string {
	switch {
	case r.Tombstone():
		return "datum, a tombstone: \"deleted\""
	case r.Type == protocol.TypeDatum:
		return "datum, a sealed value"
	case r.Type == protocol.TypeRelease:
		return "release: the owner gives the claim up"
	case r.Type >= protocol.TypeReserved:
		return r.Type.String() + ", which this version of lf does not know"
	}
	return r.Type.String()
}

func sizesText(r *protocol.Record) string {
	text := fmt.Sprintf("%d bytes", r.WireSize())
	if r.Value != nil {
		text += fmt.Sprintf(", %d of them its value", r.Value.Size)
	}
	if !r.HasValue() {
		text += ", which the node does not have"
	}
	return text
}

func weightText(info *api.RecordInfo) string {
	if info.State != api.StateAttached {
		return ""
	}
	return strconv.FormatUint(uint64(info.Weight), 10)
}

func stateText(info *api.RecordInfo) string {
	switch {
	case info.Hidden:
		return "hidden: it rests on a certificate that was revoked, so no query considers it"
	case info.State == api.StatePending:
		return "pending: an older record that it links to is not here yet"
	case info.State == api.StateHeld:
		return "held: it is from the future"
	}
	return fmt.Sprintf("%s, as number %d here", info.State, info.Index)
}
