package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
)

func (c *cli) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "List the peers that the node is connected to",
		Long: `List the peers that the node is connected to. AGREED is when a peer was found last to have the same records, or nothing that
has not come since. With --json, as GET /v1/peers answers.`,
		Example: "  lf peers",
		Args:    between(0, 0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.peers(cmd.Context()) },
	}
}

func (c *cli) peers(ctx context.Context) error {
	s, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer s.close()
	peers, err := s.node().Peers(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.json && peers == nil:
		return c.printJSON([]api.Peer{})
	case c.json:
		return c.printJSON(peers)
	case len(peers) == 0:
		c.note("no peers")
		return nil
	}
	rows := [][]string{{"PEER", "DIRECTION", "LATENCY", "AGREED", "NOTES", "ADDRESS"}}
	for _, p := range peers {
		rows = append(rows, peerRow(p, time.Now()))
	}
	return c.print(table(rows))
}

// peerRow escapes what the peer says about itself.
func peerRow(p api.Peer, now time.Time) []string {
	var notes []string
	if p.Seed {
		notes = append(notes, "seed")
	}
	if p.Limited {
		notes = append(notes, "relayed")
	}
	if !p.Network {
		notes = append(notes, "other network")
	}
	if p.Agent != "" {
		notes = append(notes, shorten(printable(p.Agent), 32))
	}
	address, latency, agreed := "", "", ""
	if len(p.Addresses) > 0 {
		address = printable(p.Addresses[0])
	}
	if p.LatencyMS > 0 {
		latency = fmt.Sprintf("%.1f ms", p.LatencyMS)
	}
	if p.AgreedAt > 0 {
		agreed = ago(now.Sub(timeOf(p.AgreedAt)))
	}
	return []string{printable(p.ID), printable(p.Direction), latency, agreed, strings.Join(notes, ", "), address}
}
