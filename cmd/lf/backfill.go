package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/lf-store/lf/node/api"
)

const (
	// pollInterval is the pause between two looks at a node's backfill. logEvery is the pause
	// between two lines about it in the log.
	pollInterval = 250 * time.Millisecond
	logEvery     = 10 * time.Second
)

// backfill shows the progress of a node that lacks many records: as a bar on a terminal, and
// otherwise in the log.
type backfill struct {
	log   *slog.Logger
	lines *terminalLog // where a bar is drawn; nil: there is no bar

	first  *api.Progress // as it began; nil: there is none
	begin  time.Time
	logged time.Time
	bar    *logBar // nil: there is none
}

// watchBackfill follows a node until ctx ends.
func watchBackfill(ctx context.Context, node api.Service, b *backfill) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	defer func() { b.endBar() }()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if s, err := node.Status(ctx); err == nil {
				b.update(now, &s.Sync)
			}
		}
	}
}

// update takes in how far the node is now.
func (b *backfill) update(now time.Time, s *api.SyncStatus) {
	p := s.Progress
	switch {
	case p == nil && b.first == nil:
	case p == nil:
		b.end(now, s.Attached)
	case b.first == nil:
		b.start(now, p)
	default:
		b.step(now, p)
	}
}

func (b *backfill) start(now time.Time, p *api.Progress) {
	b.log.Info("copying the records that this node lacks", "attached", p.Done, "of", p.Total)
	b.first, b.begin, b.logged = p, now, now
	if b.lines == nil {
		return
	}
	b.bar = newLogBar(b.lines, p.Total)
	b.draw(p)
}

func (b *backfill) step(now time.Time, p *api.Progress) {
	b.draw(p)
	if b.bar == nil && now.Sub(b.logged) >= logEvery {
		b.logged = now
		b.log.Info("copying", "attached", p.Done, "of", p.Total, "pace", paceText(p))
	}
}

func (b *backfill) draw(p *api.Progress) {
	if b.bar != nil {
		b.bar.draw(p.Done, p.Total, progressText(p), paceText(p))
	}
}

func (b *backfill) end(now time.Time, attached uint64) {
	b.endBar()
	copied := attached - min(b.first.Done, attached)
	took := now.Sub(b.begin)
	b.log.Info("copied", "records", copied, "took", took.Round(100*time.Millisecond).String(), "pace", pace(int(copied), took.Seconds()))
	b.first = nil
}

func (b *backfill) endBar() {
	if b.bar != nil {
		b.bar.end()
		b.bar = nil
	}
}
