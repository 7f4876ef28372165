package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "List the peers that the node is connected to",
		Long: `List the peers that the node is connected to. With --json, as GET /v1/peers answers.

PATH       direct; punched: directly, through a hole in both sides' routers; relayed: through a relay, which its ADDRESS names
TRANSPORT  of the connection, or of the one with the relay
OPENED     by which side: out is this node
AGREED     when the peer last had the same records, or none that have not come since
AGENT      the program, as the peer names it
NOTES      seed; added: by hand (lf connect), and remembered: also after a restart; other network`,
		Example: "  lf peers",
		Args:    between(0, 0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.peers(cmd.Context()) },
	}
}

func (c *cli) peers(ctx context.Context) error {
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	peers, err := api.AllPeers(ctx, client.Node())
	if err != nil {
		return err
	}
	switch {
	case c.json:
		return c.printJSON(peers)
	case len(peers) == 0:
		c.note("no peers")
		return nil
	}
	rows := [][]string{{"PEER", "PATH", "TRANSPORT", "OPENED", "LATENCY", "AGREED", "AGENT", "NOTES", "ADDRESS"}}
	for _, p := range peers {
		rows = append(rows, peerRow(p, time.Now()))
	}
	width, _ := terminal(c.stdout)
	cutLast(rows, width)
	return c.print(table(rows))
}

// peerRow escapes what the peer says about itself.
func peerRow(p api.Peer, now time.Time) []string {
	var notes []string
	if p.Seed {
		notes = append(notes, "seed")
	}
	switch {
	case p.Remembered:
		notes = append(notes, "added, remembered")
	case p.Added:
		notes = append(notes, "added")
	}
	if !p.Network {
		notes = append(notes, "other network")
	}
	address, latency, agreed := "", "", ""
	if len(p.Addresses) > 0 {
		address = text.Printable(p.Addresses[0])
	}
	if p.LatencyMS > 0 {
		latency = fmt.Sprintf("%.1f ms", p.LatencyMS)
	}
	if p.AgreedAt > 0 {
		agreed = text.Ago(now.Sub(text.TimeOf(p.AgreedAt)))
	}
	opened := map[string]string{"inbound": "in", "outbound": "out"}[p.Direction]
	return []string{
		text.Printable(p.ID), text.Printable(p.Path), text.Printable(p.Transport), opened, latency, agreed, shorten(text.Printable(p.Agent), 24), strings.Join(notes, ", "), address,
	}
}
