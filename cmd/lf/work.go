package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// clearLine returns to the beginning of the terminal's line and empties it.
const clearLine = "\r\x1b[K"

// solver works on this computer. report may be nil.
func solver(ctx context.Context, threads int, report func(effort uint32, p pow.Progress)) protocol.WorkSolver {
	return func(challenge []byte, effort uint32) (protocol.Work, error) {
		var each func(pow.Progress)
		if report != nil {
			each = func(p pow.Progress) { report(effort, p) }
		}
		proof, err := pow.Solve(ctx, challenge, effort, threads, each)
		return protocol.Work{Nonce: proof.Nonce, Solution: proof.Solution, Effort: effort}, err
	}
}

// workReport draws the progress of work on a terminal. erase takes the drawing away.
func (c *cli) workReport() (report func(uint32, pow.Progress), erase func()) {
	if !c.interactive() {
		return nil, func() {}
	}
	report = func(effort uint32, p pow.Progress) { fmt.Fprint(c.stderr, clearLine+workLine(effort, p)) }
	return report, func() { fmt.Fprint(c.stderr, clearLine) }
}

// workLine says how long work takes. The search has no memory: however long it has run, what is
// left takes as long as the whole on average, and more than three times that in 5 cases of 100. So
// it is no progress that could be completed.
func workLine(effort uint32, p pow.Progress) string {
	spent := p.Elapsed.Round(time.Second)
	if p.Solutions == 0 {
		return fmt.Sprintf("proof of work: %s so far", spent)
	}
	mean := time.Duration(float64(p.Elapsed) / float64(p.Solutions) * float64(effort)).Round(time.Second)
	return fmt.Sprintf("proof of work: %s so far; %s on average, 1 in 20 over %s; Ctrl-C gives up", spent, mean, 3*mean)
}
