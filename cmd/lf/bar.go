package main

import (
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress is drawn while a file is loaded, on a terminal only; the zero value draws nothing.
type progress struct {
	all *mpb.Progress
	bar *mpb.Bar
}

// loadBar draws the lines of a file, of which some were written before.
func (c *cli) loadBar(total, before int) progress {
	if !c.interactive() {
		return progress{}
	}
	all := mpb.New(mpb.WithOutput(c.stderr), mpb.WithRefreshRate(100*time.Millisecond))
	bar := all.AddBar(int64(total),
		mpb.PrependDecorators(decor.CountersNoUnit("%d / %d lines")),
		mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f/s, "), decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left")),
	)
	if before > 0 {
		bar.SetRefill(int64(before))
		bar.IncrBy(before)
		_ = bar.DecoratorAverageAdjust(time.Now()) // the speed is this run's; an error would mean that the bar has ended
	}
	return progress{all, bar}
}

func (p progress) step() {
	if p.bar != nil {
		p.bar.Increment()
	}
}

// end leaves the bar as it is and waits until it is drawn.
func (p progress) end(complete bool) {
	if p.bar == nil {
		return
	}
	if !complete {
		p.bar.Abort(false)
	}
	p.all.Wait()
}
