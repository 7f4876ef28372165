package main

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// logBar is a bar on a terminal that a log shares: the log's lines go above it.
type logBar struct {
	lines   *terminalLog
	bar     *mpb.Bar
	all     *mpb.Progress
	refresh chan any // redraws all
}

func newLogBar(lines *terminalLog, total uint64) *logBar {
	b := &logBar{lines: lines, refresh: make(chan any)}
	b.all = mpb.New(mpb.WithOutput(lines.to), mpb.WithManualRefresh(b.refresh))
	b.bar = b.all.AddBar(int64(total), mpb.BarRemoveOnComplete(), // a count
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return lines.text(0) })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return lines.text(1) })),
	)
	lines.drawAbove(b.all)
	return b
}

// draw shows how far it is, with a text on each side.
func (b *logBar) draw(done, total uint64, before, after string) {
	b.lines.setTexts(before, after)
	b.bar.SetTotal(int64(max(total, done)+1), false)
	b.bar.SetCurrent(int64(done)) // a count
	b.redraw()
}

// redraw draws the bar and the lines above it. It waits a second at most for a terminal that takes
// nothing any more.
func (b *logBar) redraw() {
	select {
	case b.refresh <- time.Now():
	case <-time.After(time.Second):
	}
}

// end takes the bar away. The log then goes on where the bar was.
func (b *logBar) end() {
	b.lines.hold()
	b.redraw()
	b.redraw() // which begins when the first one is through, so that no line is lost
	b.bar.Abort(true)
	b.all.Wait()
	b.lines.release()
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
