package testbed

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// Lines is an observer that writes a line for every step, and one in a while when a step takes
// long.
type Lines struct {
	to       io.Writer
	now      *StepReport
	lastLine time.Duration
}

// NewLines returns an observer for what is no terminal.
func NewLines(to io.Writer) *Lines { return &Lines{to: to} }

// quietTime is how long a step goes on before a line mentions it.
const quietTime = 5 * time.Second

// Begun writes what is going to be run.
func (l *Lines) Begun(s *Scenario, r *Report) {
	fmt.Fprintln(l.to, heading(s, r))
}

func heading(s *Scenario, r *Report) string {
	return fmt.Sprintf("%s: %s, %s, seed %d", r.Title, text.Count(len(s.Nodes), "node", "nodes"), text.Count(len(s.Steps), "step", "steps"), r.Seed)
}

// Step writes what became of a step.
func (l *Lines) Step(_ int, s *StepReport) {
	if s.Outcome == OutcomeRunning {
		l.now, l.lastLine = s, time.Duration(s.From*float64(time.Second))
		return
	}
	l.now = nil
	fmt.Fprintln(l.to, stepLine(s))
}

// stepLine is a step that has ended, in a line, and why it failed.
func stepLine(s *StepReport) string {
	line := fmt.Sprintf("%7.1f s  %-9s %s", s.To, s.Word, s.Text)
	var texts []string
	for _, c := range s.Checks {
		if c.What == "converged" || c.What == "bytes" {
			texts = append(texts, fmt.Sprintf("%s after %s", c.What, text.Seconds(c.Took)))
		}
	}
	if len(texts) > 0 {
		line += ": " + strings.Join(texts, ", ")
	}
	if s.Failure != "" {
		line += "\n           FAILED: " + indented(s.Failure, "           ")
	}
	return line
}

// Tick mentions a step that takes long.
func (l *Lines) Tick(at time.Duration, nodes []NodeView) {
	if l.now == nil || at-l.lastLine < quietTime {
		return
	}
	l.lastLine = at
	var texts []string
	for i := range nodes {
		if n := &nodes[i]; n.Up && !n.Hostile {
			texts = append(texts, fmt.Sprintf("%s %d", n.Name, n.Attached))
		}
	}
	fmt.Fprintf(l.to, "%7.1f s  …         %s\n", at.Seconds(), listing(texts))
}

// Ended adds nothing: the table says it all.
func (l *Lines) Ended(*Report) {}
