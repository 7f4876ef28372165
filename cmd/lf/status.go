package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) statusCommand() *cobra.Command {
	var wait patience
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the node is: network, addresses, sync, storage",
		Long: `Show how the node is: network, addresses, sync, storage. With --json, as GET /v1/status answers.

A node is in sync when nothing is known to be missing, and at least half of its connected peers (at least one) agree. A peer agrees
if it has the same records, or had none that have not come since. The line "sync" says so, or what is left to do:

  in sync: 4 of 5 peers agree (12 s ago), 0 missing
  comparing: 0 of 2 peers agree, 0 missing
  fetching: 34,102 of 100,000 records, 5,120 a second, about 13 s left
  alone: no peer to compare with

A line "warning" says what is wrong, as a full disk, and what to do. Nodes with the same fingerprint have the same records. --wait-synced lets the node compare now and waits until it is in sync. The exit
code is 1 if that takes longer than TIMEOUT.

Right after lf node, it waits for the node to answer: up to 3 s until the node begins to start, and then --timeout.`,
		Example: `  lf status
  lf status --wait-synced=1m && lf get horse
  lf status --json | jq -r '.addresses[0]'`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := wait.check(cmd); err != nil {
				return err
			}
			return c.status(cmd.Context(), &wait)
		},
	}
	wait.addFlag(cmd, "wait-synced", "wait until the node is in sync, at most this `TIMEOUT`")
	return cmd
}

func (c *cli) status(ctx context.Context, wait *patience) error {
	client, err := c.connectSoon(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var late error
	if wait.timeout > 0 {
		late = client.AwaitSynced(ctx, wait.timeout)
	}
	status, err := client.Node().Status(ctx)
	if err != nil {
		return err
	}
	if c.json {
		err = c.printJSON(status)
	} else {
		err = c.printFields(statusFields(client.Addresses(), status))
	}
	return cmp.Or(err, late)
}

func statusFields(at []string, s *api.Status) []field {
	profile := s.Profile
	if s.Offline {
		profile += ", offline"
	}
	fields := []field{
		{"version", s.Version},
		{"network", fmt.Sprintf("%s (%s)", s.Network.Parameters.Name, s.Network.ID)},
		{"peer ID", s.Peer},
	}
	for i, a := range s.Addresses {
		fields = append(fields, field{[]string{"addresses", ""}[min(i, 1)], a})
	}
	for i, a := range at {
		fields = append(fields, field{[]string{"API", ""}[min(i, 1)], a})
	}
	fields = append(fields, proxyFields(s.Nodes)...)
	fields = append(fields,
		field{"profile", profile},
		field{"running", fmt.Sprintf("for %s", time.Since(s.Started).Round(time.Second))},
		field{"peers", peersText(s)},
		field{"sync", syncText(&s.Sync, time.Now())},
		field{"records", recordsText(s.Storage)},
		field{"fingerprint", s.Sync.Fingerprint},
	)
	if len(s.Nodes) == 0 {
		fields = append(fields,
			field{"traffic", fmt.Sprintf("%s in, %s out", text.Size(s.Traffic.In), text.Size(s.Traffic.Out))},
			field{"database", text.Size(s.Storage.Bytes)},
		)
	}
	if s.Storage.Problem != "" {
		fields = append(fields, field{"warning", "nothing is written: " + s.Storage.Problem})
	}
	fields = append(fields, trustFields(&s.Trust)...)
	var drops []string
	for _, d := range s.Dropped {
		if d.Count > 0 {
			drops = append(drops, fmt.Sprintf("%d from %s", d.Count, d.Queue))
		}
	}
	return append(fields, field{"dropped", strings.Join(drops, ", ")})
}

// trustFields say how the node ranks the claims of several owners, and what it publishes as an
// oracle.
func trustFields(t *api.Trust) []field {
	fields := []field{{"policy", t.Policy.String()}}
	if n := len(t.Oracles); n > 0 {
		fields = append(fields, field{"oracles", fmt.Sprintf("%d elected", n)})
	}
	for i, a := range t.Authorities {
		fields = append(fields, field{[]string{"CAs", ""}[min(i, 1)], authorityText(a)})
	}
	if t.AuthRequired {
		fields = append(fields, field{"writers", "certified owners only"})
	}
	if o := t.Oracle; o != nil {
		line := fmt.Sprintf("%s with %s published, at most %d an hour", text.Count(o.Commentaries, "commentary", "commentaries"), text.Count(o.Words, "objection", "objections"), o.PerHour)
		if o.Waiting > 0 {
			line += fmt.Sprintf("; %s", text.Count(o.Waiting, "objection waits", "objections wait"))
		}
		if o.Silent != "" {
			line += ": " + o.Silent
		}
		fields = append(fields, field{"oracle", line})
	}
	for _, warning := range t.Warnings {
		fields = append(fields, field{"warning", warning})
	}
	return fields
}

// peersText counts the peers: a proxy tells those of its first node.
func peersText(s *api.Status) string {
	line := fmt.Sprintf("%d on this network", s.Sync.Peers)
	if len(s.Nodes) > 0 {
		line += " (of the first node that is asked)"
	}
	return line
}

func recordsText(s api.Storage) string {
	line := text.Number(s.Attached)
	if s.Pending > 0 {
		line += fmt.Sprintf(", and %s pending (they wait for older ones)", text.Number(s.Pending))
	}
	if s.Held > 0 {
		line += fmt.Sprintf(", and %s held (they are from the future)", text.Number(s.Held))
	}
	return line + fmt.Sprintf(" (%s tips)", text.Number(s.Tips))
}
