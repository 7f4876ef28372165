package main

import (
	"fmt"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
)

// clearLine returns to the beginning of the terminal's line and empties it.
const clearLine = "\r\x1b[K"

// workReport draws the progress of work on a terminal. erase takes the drawing away.
func (c *cli) workReport() (report func(lf.Work), erase func()) {
	if !c.interactive() {
		return nil, func() {}
	}
	report = func(w lf.Work) { fmt.Fprint(c.stderr, clearLine+workLine(w)) }
	return report, func() { fmt.Fprint(c.stderr, clearLine) }
}

// workLine says how long work takes. The search has no memory. However long it has run, what is
// left takes as long as the whole on average, and more than three times that in 5 cases of 100. So
// it is no progress that could be completed.
func workLine(w lf.Work) string {
	spent := w.Elapsed.Round(time.Second)
	mean := w.Mean().Round(time.Second)
	if w.Remote {
		return remoteWorkLine(w, spent, mean)
	}
	if w.Solutions == 0 {
		return fmt.Sprintf("proof of work: %s so far", spent)
	}
	return fmt.Sprintf("proof of work: %s so far; %s on average, 1 in 20 over %s; Ctrl-C gives up", spent, mean, 3*mean)
}

// remoteWorkLine says how long work takes that the API does.
func remoteWorkLine(w lf.Work, spent, mean time.Duration) string {
	line := fmt.Sprintf("proof of work at the API: %s so far", spent)
	switch {
	case w.Ahead > 0:
		line += fmt.Sprintf("; %s of yours first", text.Count(w.Ahead, "request", "requests"))
	case w.Attempts == 0:
		line += "; waiting for its turn"
	}
	if mean > 0 {
		line += fmt.Sprintf("; %s on average", mean)
	}
	return line + "; Ctrl-C gives up (--work here works on this computer)"
}
