package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
)

func TestSyncText(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	at := func(d time.Duration) uint64 { return uint64(now.Add(-d).UnixMilli()) }
	for want, s := range map[string]api.SyncStatus{
		"offline: this node talks to no peers":                                                 {State: "offline"},
		"alone: no peer to compare with":                                                       {State: "alone"},
		"alone: no peer to compare with (the last one agreed 2 min ago)":                       {State: "alone", AgreedAt: at(2 * time.Minute)},
		"comparing: 0 of 1 peer agree, 0 missing":                                              {State: "comparing", Peers: 1},
		"comparing: 1 of 5 peers agree (5 h ago), 0 missing":                                   {State: "comparing", Peers: 5, Agreeing: 1, AgreedAt: at(5 * time.Hour)},
		"in sync: 4 of 5 peers agree (12 s ago), 0 missing":                                    {State: "synced", Peers: 5, Agreeing: 4, AgreedAt: at(12 * time.Second)},
		"in sync: 1 of 1 peer agree (just now), 0 missing":                                     {State: "synced", Peers: 1, Agreeing: 1, AgreedAt: at(-time.Second)},
		"fetching: 1,200 records missing, 3 requests under way":                                {State: "fetching", Missing: 1200, Fetches: 3},
		"fetching: 1 record missing, 1 request under way":                                      {State: "fetching", Missing: 1, Fetches: 1},
		"fetching: 34,102 of 100,000 records, 5,120 a second, about 13 s left":                 {State: "fetching", Progress: &api.Progress{Done: 34102, Total: 100000, Rate: 5120.4}},
		"fetching: 34,102 of 34,102 records, 5,120 a second, about 1 s left":                   {State: "fetching", Progress: &api.Progress{Done: 34102, Total: 34000, Rate: 5120.4}},
		"fetching: 34,102 of 1,000,000 records, no records lately":                             {State: "fetching", Progress: &api.Progress{Done: 34102, Total: 1000000}},
		"fetching: 0 of 18,446,744,073,709,551,615 records, 1 a second, about 11574 days left": {State: "fetching", Progress: &api.Progress{Total: 1<<64 - 1, Rate: 1}},
	} {
		if got := syncText(&s, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// scripted is a node that is in one state after the other.
type scripted struct {
	api.Service
	states []api.SyncStatus
}

func (s *scripted) Status(context.Context) (*api.Status, error) {
	if len(s.states) > 1 {
		s.states = s.states[1:]
	}
	return &api.Status{Sync: s.states[0]}, nil
}

// copying is a backfill of 1,000 records, 10 at each look, between times of rest.
func copying() *scripted {
	s := &scripted{states: make([]api.SyncStatus, 2)}
	for done := uint64(10); done < 1000; done += 10 {
		s.states = append(s.states, api.SyncStatus{Attached: done, Progress: &api.Progress{Done: done, Total: 1000, Rate: 40}})
	}
	s.states = append(s.states, api.SyncStatus{Attached: 1000})
	return s
}

// TestBackfillInLog wants a line at the start, one every 10 s, and one at the end.
func TestBackfillInLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		watchBackfill(ctx, copying(), &backfill{log: slog.New(slog.NewTextHandler(&log, nil))})
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 4 || !strings.Contains(lines[0], `attached=10 of=1000`) || !strings.Contains(lines[1], `msg=copying attached=410 of=1000 pace="40 a second, about 15 s left"`) ||
			!strings.Contains(lines[3], `msg=copied records=990 took=24.8s pace="40 records/s"`) {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

// TestBackfillOnTerminal wants log lines to stay whole while there is a bar, and to be written as
// ever when there is none.
func TestBackfillOnTerminal(t *testing.T) {
	t.Parallel()
	var terminal bytes.Buffer
	out := &terminalLog{to: &terminal}
	b := &backfill{log: slog.New(slog.NewTextHandler(out, nil)), lines: out}
	now := time.Now()
	for _, s := range copying().states {
		b.update(now, &s)
		if s.Attached == 500 {
			b.log.Info("something else")
		}
	}
	b.endBar()
	b.log.Info("afterwards")
	text := terminal.String()
	for _, want := range []string{"500 of 1,000 records", "40 a second, about 13 s left", "msg=\"something else\"\n", "msg=copied records=990", "msg=afterwards\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q: %q", want, text)
		}
	}
	if b.bar != nil || out.above != nil {
		t.Error("the bar is still there")
	}
	_, _ = io.WriteString(out, "") // nobody draws any more
}
