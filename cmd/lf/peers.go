package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
)

func (c *cli) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "peers",
		Short:   "List the peers that the node is connected to",
		Long:    "List the peers that the node is connected to. With --json, as GET /v1/peers answers.",
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
	rows := [][]string{{"PEER", "DIRECTION", "LATENCY", "NOTES", "ADDRESS"}}
	for _, p := range peers {
		rows = append(rows, peerRow(p))
	}
	return c.print(table(rows))
}

// peerRow escapes what the peer says about itself.
func peerRow(p api.Peer) []string {
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
	address, latency := "", ""
	if len(p.Addresses) > 0 {
		address = printable(p.Addresses[0])
	}
	if p.LatencyMS > 0 {
		latency = fmt.Sprintf("%.1f ms", p.LatencyMS)
	}
	return []string{printable(p.ID), printable(p.Direction), latency, strings.Join(notes, ", "), address}
}
