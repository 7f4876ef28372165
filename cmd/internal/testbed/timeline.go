package testbed

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/lf-store/lf/internal/text"
)

//go:embed timeline.html
var timelinePage string

// page is parsed when a report is written, and fails only if the program is wrong.
func page() *template.Template {
	return template.Must(template.New("timeline").Funcs(template.FuncMap{
		"size": text.Size, "seconds": text.Seconds, "times": times, "plus": func(i int) int { return i + 1 },
		"value": func(f *float64) float64 { return *f }, "took": func(s *StepReport) float64 { return s.To - s.From },
	}).Parse(timelinePage))
}

// timeline is the report as a page of its own: nothing is loaded from elsewhere.
func (r *Report) timeline() ([]byte, error) {
	var b bytes.Buffer
	err := page().Execute(&b, struct {
		*Report
		Drawing template.HTML
	}{r, template.HTML(newDrawing(r).svg())}) // every text in it is escaped
	if err != nil {
		return nil, fmt.Errorf("draw the timeline: %w", err)
	}
	return b.Bytes(), nil
}

// drawing is the run as a picture: a row for each node, time from left to right.
type drawing struct {
	*Report
	b     strings.Builder
	end   float64 // seconds
	most  float64 // records
	lanes int     // of the steps' numbers
	rowH  float64
}

// The picture's measures, in its own units.
const (
	width     = 1180.0
	left      = 150.0 // of the names
	right     = 110.0 // of the counts
	laneH     = 19.0
	cutH      = 22.0
	axisH     = 34.0
	padding   = 7.0 // above a row's line
	chipR     = 8.0
	groupInks = 6
)

func newDrawing(r *Report) *drawing {
	d := &drawing{Report: r, end: max(r.Duration, 0.1), most: 1, rowH: 54}
	if len(r.Nodes) > 8 {
		d.rowH = 34
	}
	if len(r.Nodes) > 24 {
		d.rowH = 22
	}
	for _, s := range r.Steps { // what comes after the last step is the end of the processes
		if s.Outcome != OutcomeSkipped {
			d.end = max(s.To, 0.1)
		}
	}
	for _, n := range append([]*NodeReport{{Course: r.Course}}, r.Nodes...) {
		for _, p := range n.Course {
			d.most = max(d.most, float64(p.Attached))
		}
	}
	return d
}

func (d *drawing) x(at float64) float64 { return left + min(at/d.end, 1)*(width-left-right) }

func (d *drawing) write(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *drawing) svg() string {
	chips := d.chips()
	top := float64(d.lanes)*laneH + 10
	rows := top + cutH
	bottom := rows + float64(len(d.Nodes))*d.rowH
	d.write(`<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="Records of each node over time">`, width, bottom+axisH)
	d.write(`<defs><pattern id="off" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>`)
	d.grid(rows, bottom)
	for i, n := range d.Nodes {
		d.row(n, rows+float64(i)*d.rowH)
	}
	d.cuts(top, rows)
	d.steps(chips, rows, bottom)
	d.b.WriteString("</svg>\n")
	return d.b.String()
}

// chip is the number of a step, where it begins. Those that would overlap are put into lanes.
type chip struct {
	x    float64
	lane int
}

func (d *drawing) chips() []chip {
	var ends []float64 // of the lanes
	chips := make([]chip, len(d.Steps))
	for i, s := range d.Steps {
		x, lane := d.x(s.From), 0
		for lane < len(ends) && ends[lane] > x-2*chipR-2 {
			lane++
		}
		if lane == len(ends) {
			ends = append(ends, 0)
		}
		ends[lane] = x
		chips[i] = chip{x, lane}
	}
	d.lanes = max(1, len(ends))
	return chips
}

// grid draws the axis of time.
func (d *drawing) grid(top, bottom float64) {
	step := niceStep(d.end, 10)
	for at := 0.0; at <= d.end*1.0001; at += step {
		d.write(`<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, d.x(at), top, d.x(at), bottom)
		d.write(`<text class="axis" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, d.x(at), bottom+20, timeText(at))
	}
}

func timeText(at float64) string {
	if at >= 60 {
		return fmt.Sprintf("%d:%02d", int(at)/60, int(at)%60)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", at), ".0") + " s"
}

// niceStep is a round distance that divides span into at most about steps.
func niceStep(span float64, about int) float64 {
	for _, step := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600} {
		if span/step <= float64(about) {
			return step
		}
	}
	return 7200
}

// cuts tints what is cut off from the rest, each group in its own ink, and says so above.
func (d *drawing) cuts(top, rows float64) {
	for _, c := range d.Cuts {
		x, w := d.x(c.From), max(1.5, d.x(c.To)-d.x(c.From))
		tip := template.HTMLEscapeString(fmt.Sprintf("cut: %s (%s to %s)", c.Text, text.Seconds(c.From), text.Seconds(c.To)))
		d.write(`<g><title>%s</title><rect class="cut" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/>`, tip, x, top+2, w, cutH-5)
		if text := template.HTMLEscapeString(c.Text); w > 7*float64(len([]rune(c.Text))) {
			d.write(`<text class="cuttext" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x+w/2, top+14, text)
		} else if w > 24 {
			d.write(`<text class="cuttext" x="%.1f" y="%.1f" text-anchor="middle">cut</text>`, x+w/2, top+14)
		}
		for i, n := range d.Nodes {
			for g, group := range c.Groups {
				for _, name := range group {
					if name == n.Name {
						d.write(`<rect class="tint g%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, g%groupInks, x, rows+float64(i)*d.rowH, w, d.rowH)
					}
				}
			}
		}
		d.b.WriteString("</g>\n")
	}
}

// steps draws where each one begins, and its number.
func (d *drawing) steps(chips []chip, top, bottom float64) {
	for i, s := range d.Steps {
		if s.Outcome == OutcomeSkipped {
			continue
		}
		class, y := "step", float64(chips[i].lane)*laneH+chipR+4
		switch {
		case s.Outcome == OutcomeFailed:
			class = "step failed"
		case s.Word == "expect":
			class = "step expect"
		}
		text := fmt.Sprintf("%d  %s: %s\n%s to %s", i+1, s.Word, s.Text, text.Seconds(s.From), text.Seconds(s.To))
		if s.Failure != "" {
			text += "\n" + s.Failure
		}
		d.write(`<g class="%s"><title>%s</title>`, class, template.HTMLEscapeString(text))
		d.write(`<rect class="span" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, d.x(s.From), top, max(3, d.x(s.To)-d.x(s.From)), bottom-top)
		d.write(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, chips[i].x, y+chipR, chips[i].x, bottom)
		d.write(`<circle cx="%.1f" cy="%.1f" r="%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">%d</text></g>`,
			chips[i].x, y, chipR, chips[i].x, y+3.5, i+1)
	}
}

// row draws one node: its records over time, what was written anywhere and is not here, and when it
// was down.
func (d *drawing) row(n *NodeReport, top float64) {
	base := top + d.rowH - 1
	middle := top + d.rowH/2
	d.write(`<line class="base" x1="0" y1="%.1f" x2="%.1f" y2="%.1f"/>`, base, width, base)
	name := template.HTMLEscapeString(n.Name)
	if n.Role != "" && d.rowH > 30 {
		d.write(`<text class="name" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-14, middle-1, name)
		d.write(`<text class="role" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-14, middle+13, template.HTMLEscapeString(clip(n.Role, 22)))
	} else {
		d.write(`<text class="name" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-14, middle+4, name)
	}
	if n.Hostile {
		d.presence(n, top)
		return
	}
	tip := fmt.Sprintf("%s: %s in the end, %d missing; %s received, %s at least", n.Name, recordsOf(n.Attached), n.Missing, text.Size(n.In), text.Size(n.Least))
	d.write(`<g><title>%s</title>`, template.HTMLEscapeString(tip))
	if len(d.Course) > 0 {
		d.write(`<path class="lack" d="%s"/>`, d.path(d.Course, base, true))
		d.write(`<path class="all" d="%s"/>`, d.path(d.Course, base, false))
	}
	d.write(`<path class="under" d="%[1]s"/><path class="has" d="%[1]s"/>`, d.path(n.Course, base, true))
	d.write(`<path class="line" d="%s"/>`, d.path(n.Course, base, false))
	d.b.WriteString("</g>\n")
	d.away(n, top)
	class := "count"
	text := fmt.Sprint(n.Attached)
	if n.Missing > 0 {
		class, text = "count missing", fmt.Sprintf("%d, lacks %d", n.Attached, n.Missing)
	}
	d.write(`<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, width-right+10, middle+4, text)
}

// path is a course as steps; closed, the area under it.
func (d *drawing) path(course []Point, base float64, closed bool) string {
	if len(course) == 0 {
		return ""
	}
	y := func(p Point) float64 { return base - float64(p.Attached)/d.most*(d.rowH-padding) }
	var b strings.Builder
	if closed {
		fmt.Fprintf(&b, "M%.1f %.1fV%.1f", d.x(course[0].At), base, y(course[0]))
	} else {
		fmt.Fprintf(&b, "M%.1f %.1f", d.x(course[0].At), y(course[0]))
	}
	for _, p := range course[1:] {
		fmt.Fprintf(&b, "H%.1fV%.1f", d.x(p.At), y(p))
	}
	fmt.Fprintf(&b, "H%.1f", d.x(d.end))
	if closed {
		fmt.Fprintf(&b, "V%.1fZ", base)
	}
	return b.String()
}

// away hatches the times in which a node did not run.
func (d *drawing) away(n *NodeReport, top float64) {
	from := 0.0
	for _, run := range append(n.Runs[:len(n.Runs):len(n.Runs)], Interval{d.end, d.end}) {
		if w := d.x(run.From) - d.x(from); run.From > from && w > 0.5 {
			d.write(`<g><title>%s</title><rect class="awaybase" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/><rect fill="url(#off)" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/></g>`,
				template.HTMLEscapeString(fmt.Sprintf("%s is down, %s to %s", n.Name, text.Seconds(from), text.Seconds(run.From))),
				d.x(from), top+1, w, d.rowH-2, d.x(from), top+1, w, d.rowH-2)
		}
		from = run.To
	}
}

// presence draws when a hostile node was there, which is all that is known of it.
func (d *drawing) presence(n *NodeReport, top float64) {
	for _, run := range n.Runs {
		d.write(`<g><title>%s</title><rect class="hostile" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/></g>`,
			template.HTMLEscapeString(n.Name+": "+n.Role), d.x(run.From), top+d.rowH/2-3, max(2, d.x(run.To)-d.x(run.From)), 6.0)
	}
}

func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
