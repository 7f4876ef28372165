package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// patience is the flag of commands that wait for the node to be in sync: how long at most, 0 for
// not at all.
type patience struct {
	flag    string
	timeout time.Duration
}

func (p *patience) addFlag(cmd *cobra.Command, flag, help string) {
	p.flag = flag
	cmd.Flags().DurationVar(&p.timeout, flag, 0, help)
	cmd.Flags().Lookup(flag).NoOptDefVal = api.DefaultTimeout.String()
}

// check refuses what is no time to wait.
func (p *patience) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed(p.flag) && (p.timeout <= 0 || p.timeout > api.MaxTimeout) {
		return usage("--%s must be above 0 and at most %s, not %s", p.flag, api.MaxTimeout, p.timeout)
	}
	return nil
}

// notSyncedText says how far a node came that was not in sync in time.
func notSyncedText(e *lf.NotSyncedError) string {
	switch e.Sync.State {
	case api.SyncOffline:
		return "the node is offline: there is nobody to be in sync with"
	case api.SyncSynced: // by comparisons from before
		return fmt.Sprintf("not compared again within %s, before that %s", e.Within, syncText(e.Sync, time.Now()))
	}
	return fmt.Sprintf("not in sync within %s: %s", e.Within, syncText(e.Sync, time.Now()))
}

// syncText says in a line whether a node is in sync.
func syncText(s *api.SyncStatus, now time.Time) string {
	switch s.State {
	case api.SyncOffline:
		return "offline: this node talks to no peers"
	case api.SyncAlone:
		return "alone: no peer to compare with" + lastAgreed(s, now)
	case api.SyncFetching:
		if s.Progress != nil {
			return "fetching: " + progressText(s.Progress) + ", " + paceText(s.Progress)
		}
		return fmt.Sprintf("fetching: %s missing, %s under way", countedRecords(uint64(s.Missing)), text.Count(s.Fetches, "request", "requests"))
	case api.SyncComparing:
		return fmt.Sprintf("comparing: %s, %s missing", agreeing(s, now), text.Number(uint64(s.Missing)))
	}
	return fmt.Sprintf("in sync: %s, %s missing%s", agreeing(s, now), text.Number(uint64(s.Missing)), aheadText(s))
}

// aheadText says what is left out because it is ahead of the clock.
func aheadText(s *api.SyncStatus) string {
	if s.AheadPeers == 0 {
		return ""
	}
	return fmt.Sprintf("; %s at %s ahead of this clock", countedRecords(s.Ahead), text.Count(s.AheadPeers, "peer", "peers"))
}

func agreeing(s *api.SyncStatus, now time.Time) string {
	line := fmt.Sprintf("%d of %s agree", s.Agreeing, text.Count(s.Peers, "peer", "peers"))
	if s.AgreedAt > 0 {
		line += " (" + text.Ago(now.Sub(text.TimeOf(s.AgreedAt))) + ")"
	}
	return line
}

func lastAgreed(s *api.SyncStatus, now time.Time) string {
	if s.AgreedAt == 0 {
		return ""
	}
	return fmt.Sprintf(" (the last one agreed %s)", text.Ago(now.Sub(text.TimeOf(s.AgreedAt))))
}

// progressText is how far a backfill is, paceText how fast it goes and for how long it will.
func progressText(p *api.Progress) string {
	return fmt.Sprintf("%s of %s", text.Number(p.Done), countedRecords(max(p.Total, p.Done)))
}

func paceText(p *api.Progress) string {
	if p.Rate < 1 {
		return "no records lately"
	}
	seconds := min(float64(max(p.Total, p.Done)-p.Done)/p.Rate, 1e9) // 30 years are long enough
	left := time.Duration(seconds * float64(time.Second))
	return fmt.Sprintf("%s a second, about %s left", text.Number(uint64(p.Rate)), text.Duration(max(left, time.Second)))
}

func countedRecords(n uint64) string {
	if n == 1 {
		return "1 record"
	}
	return text.Number(n) + " records"
}
