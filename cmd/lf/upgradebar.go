package main

import (
	"time"

	"github.com/lf-store/lf/node/api"
)

// upgradeBar shows on a terminal how far a database is that is brought up to date.
type upgradeBar struct {
	lines *terminalLog
	bar   *logBar // nil: there is none
	begin time.Time
	first uint64 // what was done before
	drawn time.Time
}

// update takes in that some of all records are up to date.
func (b *upgradeBar) update(done, total uint64) {
	now := time.Now()
	switch {
	case done >= total:
		b.end()
		return
	case b.bar == nil:
		b.bar, b.begin, b.first = newLogBar(b.lines, total), now, done
	case now.Sub(b.drawn) < pollInterval:
		return
	}
	b.drawn = now
	p := api.Progress{Done: done, Total: total}
	after := ""
	if seconds := now.Sub(b.begin).Seconds(); done > b.first && seconds > 0 {
		p.Rate = float64(done-b.first) / seconds
		after = paceText(&p)
	}
	b.bar.draw(done, total, "bringing the database up to date: "+progressText(&p), after)
}

// end takes the bar away, if there is one.
func (b *upgradeBar) end() {
	if b.bar != nil {
		b.bar.end()
		b.bar = nil
	}
}
