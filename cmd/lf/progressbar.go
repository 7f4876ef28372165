package main

import (
	"fmt"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressBar shows how far a file is loaded, on a terminal only. The zero value draws nothing.
type progressBar struct {
	all *mpb.Progress
	bar *mpb.Bar
}

// loadBar draws the lines of a file, of which some were written before.
func (c *cli) loadBar(total, before int) progressBar {
	if !c.interactive() {
		return progressBar{}
	}
	start := time.Now()
	all := mpb.New(mpb.WithOutput(c.stderr), mpb.WithRefreshRate(100*time.Millisecond))
	bar := all.AddBar(int64(total),
		mpb.PrependDecorators(decor.CountersNoUnit("%d / %d lines")),
		mpb.AppendDecorators(decor.Any(func(now decor.Statistics) string {
			return timeLeftText(now.Current-int64(before), now.Total-now.Current, time.Since(start))
		})),
	)
	if before > 0 {
		bar.SetRefill(int64(before))
		bar.IncrBy(before)
	}
	return progressBar{all, bar}
}

// timeLeftText is the speed of this run and the time that is left, "" before the first line is
// written.
func timeLeftText(written, left int64, elapsed time.Duration) string {
	if written <= 0 {
		return ""
	}
	rest := time.Duration(float64(elapsed) / float64(written) * float64(left))
	return fmt.Sprintf("%s, %s left", pace(int(written), elapsed.Seconds()), rest.Round(time.Second))
}

func (p progressBar) step() {
	if p.bar != nil {
		p.bar.Increment()
	}
}

// end leaves the bar as it is and waits until it is drawn.
func (p progressBar) end(complete bool) {
	if p.bar == nil {
		return
	}
	if !complete {
		p.bar.Abort(false)
	}
	p.all.Wait()
}
