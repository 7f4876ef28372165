package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// showSeeds writes a table of the peers, and lines about the rest.
func (c *cli) showSeeds(s *seedsOutput) error {
	now, seeds := time.Now(), 0
	rows := [][]string{{"KIND", "STATE", "ANSWERED", "FAILED", "NEXT DIAL", "ADDRESS"}}
	for i := range s.Seeds.Seeds {
		if s.Seeds.Seeds[i].Kind == api.KindSeed {
			seeds++
		}
		rows = append(rows, seedRows(&s.Seeds.Seeds[i], now)...)
	}
	if len(rows) > 1 {
		if err := c.print(table(rows) + "\n"); err != nil {
			return err
		}
	}
	fields := []field{{"rendezvous", rendezvousText(&s.Rendezvous, s.Running, now)}}
	if s.Running && !s.Offline {
		fields = append(fields, field{"known peers", strconv.Itoa(s.Known) + " remembered"})
	}
	if err := c.printFields(fields); err != nil {
		return err
	}
	switch {
	case s.Offline:
		c.note("the node is offline (--offline, or --dev) and dials nobody")
	case seeds == 0:
		c.note(`no seeds: name one with lf node --seed MULTIADDR (lf status on that node shows its addresses), or under "seeds" in the network's file (lf network new --seed)`)
	}
	return nil
}

// seedRows has a row for each address of a peer, and one for what is wrong with it.
func seedRows(s *api.Seed, now time.Time) [][]string {
	answered, failed, next := "", "", ""
	switch {
	case s.Since > 0 && s.State == api.SeedConnected:
		answered = "for " + text.Duration(max(now.Sub(text.TimeOf(s.Since)), time.Second))
	case s.Since > 0:
		answered = text.Ago(now.Sub(text.TimeOf(s.Since)))
	}
	if s.Failures > 0 {
		failed = strconv.Itoa(s.Failures)
	}
	if s.NextDial > 0 {
		next = timeLeft(text.TimeOf(s.NextDial), now)
	}
	kind := text.Printable(s.Kind)
	if s.Remembered {
		kind = "remembered"
	}
	rows := [][]string{{kind, text.Printable(s.State), answered, failed, next, ""}}
	for i, address := range s.Addresses {
		if i > 0 {
			rows = append(rows, make([]string, len(rows[0])))
		}
		if s.Peer != "" {
			address += "/p2p/" + s.Peer
		}
		rows[i][len(rows[i])-1] = text.Printable(address)
	}
	if s.Error != "" {
		wrong := make([]string, len(rows[0]))
		wrong[len(wrong)-1] = "  " + text.Printable(s.Error)
		rows = append(rows, wrong)
	}
	return rows
}

// timeLeft is when something comes that is due at a time.
func timeLeft(due, now time.Time) string {
	if d := due.Sub(now); d >= time.Second {
		return "in " + text.Duration(d)
	}
	return "now"
}

func rendezvousText(r *api.RendezvousFacts, running bool, now time.Time) string {
	switch {
	case !r.On:
		return "off: " + r.Why
	case !running:
		return "on, unless lf node is given --no-rendezvous, --offline or --profile local"
	case r.Last == 0:
		return "on: this node is looking for others for the first time"
	case r.Error != "":
		return fmt.Sprintf("on: the last look, %s, failed: %s", text.Ago(now.Sub(text.TimeOf(r.Last))), r.Error)
	}
	line := fmt.Sprintf("on: looked %s, met %s", text.Ago(now.Sub(text.TimeOf(r.Last))), text.Count(uint64(max(r.Met, 0)), "node", "nodes"))
	if r.Entered == 0 {
		return line + "; this node is not entered there, as nobody can dial it from elsewhere"
	}
	return line + "; this node is entered there, " + text.Ago(now.Sub(text.TimeOf(r.Entered)))
}
