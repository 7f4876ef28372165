package testbed

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// Live is an observer that draws the nodes on a terminal, again and again in the same place, below
// the steps that have ended.
type Live struct {
	to     io.Writer
	size   func() (width, height int)
	drawn  int // lines below which the cursor stands
	step   *StepReport
	number int
	total  int
}

// NewLive returns an observer for a terminal of a size that may change.
func NewLive(to io.Writer, size func() (width, height int)) *Live { return &Live{to: to, size: size} }

// What steers a terminal.
const (
	upOne     = "\x1b[1A"
	clearLine = "\r\x1b[2K"
	bold      = "\x1b[1m"
	faint     = "\x1b[2m"
	plain     = "\x1b[0m"
	red       = "\x1b[31m"
	green     = "\x1b[32m"
)

// inks tell groups apart that cannot reach each other.
var inks = []string{"\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[34m", "\x1b[32m", "\x1b[31m"}

// Begun writes what is going to be run.
func (l *Live) Begun(s *Scenario, r *Report) {
	l.total = len(s.Steps)
	fmt.Fprintln(l.to, bold+heading(s, r)+plain)
}

// Step writes down a step that has ended, above the drawing.
func (l *Live) Step(i int, s *StepReport) {
	l.step, l.number = s, i+1
	if s.Outcome == OutcomeRunning {
		return
	}
	l.erase()
	mark := green + "✓" + plain
	if s.Outcome == OutcomeFailed {
		mark = red + "✗" + plain
	}
	fmt.Fprintln(l.to, mark+stepLine(s))
}

// Tick draws the nodes.
func (l *Live) Tick(at time.Duration, nodes []NodeView) {
	width, height := l.size()
	l.erase()
	lines := []string{""}
	if l.step != nil {
		lines = append(lines, cut(fmt.Sprintf("%7.1f s  %-9s %s  (%d of %d)", at.Seconds(), l.step.Word, l.step.Text, l.number, l.total), width))
	}
	shown := nodes[:min(len(nodes), max(1, height-6))]
	for i := range shown {
		lines = append(lines, shown[i].line(width, nodes))
	}
	if rest := len(nodes) - len(shown); rest > 0 {
		lines = append(lines, fmt.Sprintf("           … and %d more", rest))
	}
	fmt.Fprint(l.to, strings.Join(lines, "\n")+"\n")
	l.drawn = len(lines)
}

// erase takes the drawing away.
func (l *Live) erase() {
	fmt.Fprint(l.to, strings.Repeat(upOne+clearLine, l.drawn))
	l.drawn = 0
}

// Ended takes the drawing away for good.
func (l *Live) Ended(*Report) { l.erase() }

// line draws one node: a bar of its records against the most that any has, and how it is.
func (v *NodeView) line(width int, all []NodeView) string {
	const bar = 24
	name := v.Name
	for i := range all {
		name += strings.Repeat(" ", max(0, len(all[i].Name)-len(name)))
	}
	switch {
	case v.Hostile && v.Up:
		return cut("           "+name+"  hostile", width)
	case !v.Up:
		return faint + cut("           "+name+"  down", width) + plain
	}
	full := 0
	if v.Most > 0 {
		full = int(v.Attached * bar / v.Most) // at most bar
	}
	text := fmt.Sprintf("%s  %7d  %s  %s in  %s out  %s", strings.Repeat("━", full)+strings.Repeat("╌", bar-full), v.Attached,
		text.Count(v.Peers, "peer", "peers"), text.Size(v.In), text.Size(v.Out), v.State)
	return "           " + inks[v.Group%len(inks)] + cut(name+"  "+text, width-11) + plain
}

// cut shortens a line to a terminal's width.
func cut(text string, width int) string {
	if r := []rune(text); len(r) >= width && width > 1 {
		return string(r[:width-2]) + "…"
	}
	return text
}
