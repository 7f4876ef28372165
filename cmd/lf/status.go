package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
)

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how the node is: network, addresses, sync, storage",
		Long:  "Show how the node is: network, addresses, sync, storage. With --json, as GET /v1/status answers.",
		Example: `  lf status
  lf status --json | jq -r '.addresses[0]'`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.status(cmd.Context()) },
	}
}

func (c *cli) status(ctx context.Context) error {
	s, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer s.close()
	status, err := s.node().Status(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(status)
	}
	return c.printFields(statusFields(s.address, status))
}

func statusFields(address string, s *api.Status) []field {
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
	fields = append(fields,
		field{"API", address},
		field{"profile", profile},
		field{"running", fmt.Sprintf("for %s", time.Since(s.Started).Round(time.Second))},
		field{"peers", fmt.Sprintf("%d on this network", s.Sync.Peers)},
		field{"sync", syncText(s.Sync)},
		field{"records", recordsText(s.Storage)},
		field{"database", sizeText(s.Storage.Bytes)},
	)
	fields = append(fields, trustFields(&s.Trust)...)
	var drops []string
	for _, d := range s.Dropped {
		if d.Count > 0 {
			drops = append(drops, fmt.Sprintf("%d from %s", d.Count, d.Queue))
		}
	}
	return append(fields, field{"dropped", strings.Join(drops, ", ")})
}

// trustFields tell what the node goes by where claims contradict each other, and what it publishes as an oracle.
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
		text := fmt.Sprintf("%s with %s published, at most %d an hour", counted(o.Commentaries, "commentary", "commentaries"), counted(o.Words, "word", "words"), o.PerHour)
		if o.Waiting > 0 {
			text += fmt.Sprintf("; %s", counted(o.Waiting, "word waits", "words wait"))
		}
		if o.Silent != "" {
			text += ": " + o.Silent
		}
		fields = append(fields, field{"oracle", text})
	}
	for _, warning := range t.Warnings {
		fields = append(fields, field{"warning", warning})
	}
	return fields
}

func syncText(s api.SyncStatus) string {
	if s.Wanted == 0 {
		return "no record is known to be missing"
	}
	return fmt.Sprintf("%d records are known to be missing, %d requests under way", s.Wanted, s.Fetches)
}

func recordsText(s api.Storage) string {
	text := fmt.Sprintf("%d", s.Attached)
	if s.Pending > 0 {
		text += fmt.Sprintf(", and %d that wait for older ones", s.Pending)
	}
	if s.Held > 0 {
		text += fmt.Sprintf(", and %d from the future", s.Held)
	}
	return text + fmt.Sprintf(" (%d tips)", s.Tips)
}

func sizeText(bytes uint64) string {
	switch {
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	case bytes < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(bytes)/(1<<30))
}
