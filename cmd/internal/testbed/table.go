package testbed

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/lf-store/lf/internal/text"
)

// maxRows is how many nodes a step's table lists one by one; of more, it says the least, the most
// and the sum.
const maxRows = 8

// Table is the report for a terminal: what each step did to each node, and where the nodes stand in
// the end.
func (r *Report) Table() string {
	var t strings.Builder
	for i, s := range r.Steps {
		r.stepTable(&t, i, s)
	}
	fmt.Fprintf(&t, "%s\n", r.nodeTable()+r.pathTable())
	t.WriteString(r.Verdict() + "\n")
	return t.String()
}

// Verdict is the outcome in a line.
func (r *Report) Verdict() string {
	sum := fmt.Sprintf("%s acknowledged (%s), %d lost, %s", text.Count(r.Records, "record", "records"), text.Size(r.Bytes), len(r.Lost), text.Seconds(r.Duration))
	if r.Passed {
		return "passed: " + sum
	}
	return "FAILED: " + r.Failure + "\n(" + sum + ")"
}

func (r *Report) stepTable(t *strings.Builder, i int, s *StepReport) {
	if s.Outcome == OutcomeSkipped {
		return
	}
	fmt.Fprintf(t, "%2d  %-9s %s  (%s)\n", i+1, s.Word, s.Text, text.Seconds(s.To-s.From))
	for _, c := range s.Checks {
		fmt.Fprintf(t, "      %s after %s: %s\n", c.What, text.Seconds(c.Took), c.Text)
	}
	if s.Failure != "" {
		fmt.Fprintf(t, "      FAILED: %s\n", indented(s.Failure, "      "))
	}
	var rows [][]string
	for _, n := range s.Nodes {
		if n.Gained > 0 || n.Converged != nil {
			rows = append(rows, n.row())
		}
	}
	if len(rows) > maxRows {
		rows = [][]string{s.sum()}
	}
	if len(rows) > 0 {
		t.WriteString(columns(append([][]string{{"", "gained", "written", "received", "least", "", "sent", "converged"}}, rows...), "      "))
	}
}

func (n *NodeStep) row() []string {
	row := []string{
		n.Node, fmt.Sprint(n.Gained), dash(n.Wrote), text.Size(n.In), text.Size(n.Least), times(n.In, n.Least), text.Size(n.Out), "",
	}
	if n.Converged != nil {
		row[7] = text.Seconds(*n.Converged)
	}
	return row
}

// sum is the row of many nodes together.
func (s *StepReport) sum() []string {
	all := NodeStep{}
	for _, n := range s.Nodes {
		all.Gained, all.Wrote = all.Gained+n.Gained, all.Wrote+n.Wrote
		all.In, all.Out, all.Least = all.In+n.In, all.Out+n.Out, all.Least+n.Least
		if n.Converged != nil && (all.Converged == nil || *n.Converged > *all.Converged) {
			all.Converged = n.Converged
		}
	}
	all.Node = fmt.Sprintf("%d nodes", len(s.Nodes))
	row := all.row()
	if all.Converged != nil {
		row[7] = "≤ " + row[7]
	}
	return row
}

func (r *Report) nodeTable() string {
	rows := [][]string{{"node", "records", "missing", "written", "received", "least", "", "sent", ""}}
	for _, n := range r.Nodes {
		if n.Hostile {
			rows = append(rows, []string{n.Name, "–", "–", "–", "–", "–", "", "–", n.Role})
			continue
		}
		rows = append(rows, []string{
			n.Name, fmt.Sprint(n.Attached), fmt.Sprint(n.Missing), dash(n.Wrote), text.Size(n.In), text.Size(n.Least), times(n.In, n.Least), text.Size(n.Out), n.Role,
		})
	}
	return "\n" + columns(rows, "")
}

func dash(n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

// times is how often the least went over the wire.
func times(in, least uint64) string {
	if least == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ×", float64(in)/float64(least))
}

// columns aligns a table: the first column and the last to the left, the others to the right.
func columns(rows [][]string, indent string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var t strings.Builder
	for _, row := range rows {
		line := indent
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
			if i == 0 || i == len(row)-1 && widths[i] > 12 {
				line += cell + pad + "  "
			} else {
				line += pad + cell + "  "
			}
		}
		t.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return t.String()
}

func indented(text, by string) string { return strings.ReplaceAll(text, "\n", "\n"+by) }
