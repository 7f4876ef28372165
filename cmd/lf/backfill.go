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

	first   *api.Progress // as it began; nil: there is none
	begin   time.Time
	logged  time.Time
	bar     *mpb.Bar
	all     *mpb.Progress
	refresh chan any // redraws all
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
	b.refresh = make(chan any)
	b.all = mpb.New(mpb.WithOutput(b.lines.to), mpb.WithManualRefresh(b.refresh))
	b.bar = b.all.AddBar(int64(p.Total), mpb.BarRemoveOnComplete(), // a count
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(0) })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.lines.text(1) })),
	)
	b.lines.drawAbove(b.all)
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
		b.lines.setTexts(progressText(p), paceText(p))
		b.bar.SetTotal(int64(max(p.Total, p.Done)+1), false)
		b.bar.SetCurrent(int64(p.Done)) // a count
		b.redraw()
	}
}

// redraw draws the bar and the lines above it. It waits a second at most for a terminal that takes
// nothing any more.
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

// endBar takes the bar away. The log then goes on where the bar was.
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

// terminalLog is the destination of a log that shares a terminal with a bar. While there is a bar,
// the log's lines go above it.
type terminalLog struct {
	to io.Writer

	mu    sync.Mutex
	above io.Writer     // nil: there is no bar
	held  *bytes.Buffer // keeps the lines while a bar is taken away; nil: none is

	// texts stand before and after the bar. mu does not guard them: a log holds it while the bar is
	// drawn.
	texts [2]atomic.Pointer[string]
}

// Write implements io.Writer.
func (l *terminalLog) Write(p []byte) (int, error) {
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

func (l *terminalLog) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = new(bytes.Buffer)
}

// release writes what was held, and from now on without a bar.
func (l *terminalLog) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(l.held.Bytes()) // as with any line of a log, there is nobody to tell
	l.above, l.held = nil, nil
}

func (l *terminalLog) drawAbove(above io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.above = above
}

func (l *terminalLog) setTexts(before, after string) {
	before, after = before+" ", " "+after
	l.texts[0].Store(&before)
	l.texts[1].Store(&after)
}

func (l *terminalLog) text(i int) string {
	if s := l.texts[i].Load(); s != nil {
		return *s
	}
	return ""
}
