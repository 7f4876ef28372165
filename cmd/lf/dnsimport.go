package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// maxZoneFile bounds a zone file, in bytes.
const maxZoneFile = 256 << 20

func (c *cli) dnsImportCommand(zones *[]string) *cobra.Command {
	var a authoring
	patience, dry := time.Minute, false
	cmd := &cobra.Command{
		Use:   "import ZONEFILE|-",
		Short: "Set all records of a zone file",
		Long: `Set all records of a zone file (RFC 1035). $ORIGIN, $TTL and $GENERATE work, $INCLUDE does not. The origin at the start is the first zone.
The whole file is checked before anything is written.

Each name gets what the file has for it, in the place of what the owner has there. What is the same already is not written again. Names that are not
in the file stay as they are. Records about the zone itself are left out: SOA, NS, and those of DNSSEC.`,
		Example: `  lf dns import example.zone --zone example.lf
  dig @ns1.example.org example.org AXFR | lf dns import - --zone example.org --dry-run
  ssh-keygen -r www.example.lf. | lf dns import -`,
		Args: between(1, 1, "one ZONEFILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.check(); err != nil {
				return err
			}
			return a.within(cmd.Context(), func(ctx context.Context) error {
				return c.importZone(ctx, &a, *zones, args[0], patience, dry)
			})
		},
	}
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	cmd.Flags().DurationVar(&patience, "patience", patience, "how long to wait for a node that is away")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be set, and write nothing")
	return cmd
}

func (c *cli) importZone(ctx context.Context, a *authoring, texts []string, name string, patience time.Duration, dry bool) error {
	zones, err := parseZones(texts)
	if err != nil {
		return err
	}
	names, err := c.readZoneFile(name, zones)
	if err != nil {
		return err
	}
	entries := make([]lf.Entry, len(names))
	for i, n := range names {
		key, err := n.Zone.Key(n.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		entries[i] = lf.Entry{Key: key, Value: []byte(n.Value.Text())}
	}
	if dry {
		for _, n := range names {
			for _, rr := range n.Value.Records() {
				if err := c.printf("%s %s\n", n.Name, dnszone.Line(rr)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return c.loadZone(ctx, a, entries, name, patience)
}

// readZoneFile reads the names of a zone file.
func (c *cli) readZoneFile(name string, zones dnszone.Zones) ([]*dnszone.Named, error) {
	var in io.Reader = c.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	names, left, err := dnszone.ReadFile(io.LimitReader(in, maxZoneFile), zones)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if left > 0 {
		c.note("%s about the zone itself left out (SOA, NS, DNSSEC)", text.Count(left, "record", "records"))
	}
	return names, nil
}

// loadZone sets the values of names.
func (c *cli) loadZone(ctx context.Context, a *authoring, entries []lf.Entry, name string, patience time.Duration) error {
	client, err := c.connectAuthor(ctx, a)
	if err != nil {
		return err
	}
	defer client.Close()
	options, err := a.options(c, client)
	if err != nil {
		return err
	}
	var count atomic.Int64
	start := time.Now()
	bar := c.loadBar(len(entries), 0)
	err = client.Load(ctx, lf.Entries(entries...), options, lf.OnlyChanged(), lf.Patience(patience),
		lf.OnWritten(func(*protocol.Record, *lf.Written) { count.Add(1); bar.step() }))
	bar.end(err == nil)
	written := int(count.Load())
	if err != nil {
		c.note("%d of %d names are written; the same command goes on from there", written, len(entries))
		return err
	}
	if same := len(entries) - written; same > 0 {
		c.note("%s what the file says already", text.Count(same, "name has", "names have"))
	}
	return c.printLoaded(loadSummary{File: name, Lines: len(entries), Written: written, Unchanged: len(entries) - written, Seconds: time.Since(start).Seconds()})
}
