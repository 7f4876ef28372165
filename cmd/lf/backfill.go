package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/lf-store/lf/node/api"
)

const (
	// watchEvery is how often a node's backfill is looked at, logEvery how often the log has a line
	// on it.
	watchEvery = 250 * time.Millisecond
	logEvery   = 10 * time.Second
)

// backfill shows how a node that lacks many records copies them: as a bar on a terminal, in the log
// elsewhere.
type backfill struct {
	log   *slog.Logger
	lines *lines // where a bar is drawn; nil: nowhere

	first   *api.Progress // as it began; nil: there is none
	begin   time.Time
	logged  time.Time
	bar     *mpb.Bar
	all     *mpb.Progress
	refresh chan any // has all drawn anew
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
	b.first, b.begin, b.logged = p, now, now
	if b.lines == nil {
		return
	}
	b.refresh = make(chan any)
	b.all = mpb.New(mpb.WithOutput(b.lines.to), mpb.WithManualRefresh(b.refresh))
	b.bar = b.all.AddBar(int64(p.Total), mpb.BarRemoveOnComplete(), // a count
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(0) })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(1) })),
	)
	b.lines.through(b.all)
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
		b.lines.say(progressText(p), paceText(p))
		b.bar.SetTotal(int64(max(p.Total, p.Done)+1), false)
		b.bar.SetCurrent(int64(p.Done)) // a count
		b.redraw()
	}
}

// redraw draws the bar and the lines above it. A terminal that takes nothing any more is waited for
// only so long.
func (b *backfill) redraw() {
	select {
	case b.refresh <- time.Now():
	case <-time.After(time.Second):
	}
}

func (b *backfill) end(now time.Time, attached uint64) {
	b.endBar()
	copied := attached - min(b.first.Done, attached)
	took := now.Sub(b.begin)
	b.log.Info("copied", "records", copied, "took", took.Round(100*time.Millisecond).String(), "pace", pace(int(copied), took.Seconds()))
	b.first = nil
}

// endBar takes the bar away; the log is written to where it was before.
func (b *backfill) endBar() {
	if b.bar == nil {
		return
	}
	b.lines.hold()
	b.redraw()
	b.redraw() // which begins when the first one is through, so that no line is lost
	b.bar.Abort(true)
	b.all.Wait()
	b.lines.release()
	b.bar, b.all = nil, nil
}

// lines is what a log is written to that shares a terminal with a bar: while there is one, the
// lines go above it.
type lines struct {
	to io.Writer

	mu    sync.Mutex
	above io.Writer     // nil: there is no bar
	held  *bytes.Buffer // keeps the lines while a bar is taken away; nil: none is

	// texts stand before and behind the bar. They have nothing to do with mu, which a log holds
	// while the bar is drawn.
	texts [2]atomic.Pointer[string]
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		return l.held.Write(p)
	}
	if l.above != nil {
		if n, err := l.above.Write(p); err == nil {
			return n, nil
		}
	}
	return l.to.Write(p)
}

func (l *lines) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = new(bytes.Buffer)
}

// release writes what was held, and from now on without a bar.
func (l *lines) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(l.held.Bytes()) // as with any line of a log, there is nobody to tell
	l.above, l.held = nil, nil
}

func (l *lines) through(above io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above = above
}

func (l *lines) say(before, behind string) {
	before, behind = before+" ", " "+behind
	l.texts[0].Store(&before)
	l.texts[1].Store(&behind)
}

func (l *lines) text(i int) string {
	if s := l.texts[i].Load(); s != nil {
		return *s
	}
	return ""
}
