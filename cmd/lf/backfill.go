package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/lf-store/lf/node/api"
)

const (
	// watchEvery is how often a node's backfill is looked at, logEvery how often the log has a line on it.
	watchEvery = 250 * time.Millisecond
	logEvery   = 10 * time.Second
)

// backfill shows how a node that lacks many records copies them: as a bar on a terminal, in the log elsewhere.
type backfill struct {
	log   *slog.Logger
	lines *lines // where a bar is drawn; nil: nowhere

	first  *api.Progress // as it began; nil: there is none
	last   api.Progress
	begin  time.Time
	logged time.Time
	bar    *mpb.Bar
	all    *mpb.Progress
}

// watchBackfill follows a node until ctx ends.
func watchBackfill(ctx context.Context, node api.Service, b *backfill) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	defer func() { b.endBar() }()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if s, err := node.Status(ctx); err == nil {
				b.look(now, &s.Sync)
			}
		}
	}
}

// look takes in how far the node is now.
func (b *backfill) look(now time.Time, s *api.SyncStatus) {
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
	b.first, b.last, b.begin, b.logged = p, *p, now, now
	if b.lines == nil {
		return
	}
	b.all = mpb.New(mpb.WithOutput(b.lines.to), mpb.WithRefreshRate(100*time.Millisecond))
	b.bar = b.all.AddBar(int64(p.Total), mpb.BarRemoveOnComplete(), //nolint:gosec // a count
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(0) })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(1) })),
	)
	b.lines.through(b.all)
	b.draw(p)
}

func (b *backfill) step(now time.Time, p *api.Progress) {
	b.last = *p
	b.draw(p)
	if b.bar == nil && now.Sub(b.logged) >= logEvery {
		b.logged = now
		b.log.Info("copying", "attached", p.Done, "of", p.Total, "pace", paceText(p))
	}
}

func (b *backfill) draw(p *api.Progress) {
	if b.bar != nil {
		b.lines.say(progressText(p), paceText(p))
		b.bar.SetTotal(int64(max(p.Total, p.Done)+1), false) //nolint:gosec // a count; it is complete only when the node says so
		b.bar.SetCurrent(int64(p.Done))                      //nolint:gosec // a count
	}
}

func (b *backfill) end(now time.Time, attached uint64) {
	b.endBar()
	copied := attached - min(b.first.Done, attached)
	took := now.Sub(b.begin)
	b.log.Info("copied", "records", copied, "took", took.Round(100*time.Millisecond).String(), "pace", pace(int(copied), took.Seconds())) //nolint:gosec // a count
	b.first = nil
}

// endBar takes the bar away; the log is written to where it was before.
func (b *backfill) endBar() {
	if b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.all.Wait()
	b.lines.through(nil)
	b.bar, b.all = nil, nil
}

// lines is what a log is written to that shares a terminal with a bar: while there is one, the lines go above it.
type lines struct {
	to io.Writer

	mu    sync.Mutex
	above io.Writer // nil: there is no bar
	texts [2]string // what stands beside the bar
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	above := l.above
	l.mu.Unlock()
	if above != nil {
		if n, err := above.Write(p); err == nil {
			return n, nil
		}
	}
	return l.to.Write(p)
}

func (l *lines) through(above io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above = above
}

func (l *lines) say(before, behind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = [2]string{before + " ", " " + behind}
}

func (l *lines) text(i int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.texts[i]
}
